import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One thread that runs an actor's jobs, one after the other, for as long as it is kept.
///
/// libtorch's grad mode, autocast and last error belong to a thread, and so does its team of OpenMP workers: an actor that
/// holds tensors takes this as its executor, and its tensors never meet another thread.
public final class TorchThread: SerialExecutor {
    /// Shared with the thread, which must not keep its owner alive.
    private final class Mailbox: Sendable {
        let jobs = Mutex<[UnownedJob]>([])
        let filled = DispatchSemaphore(value: 0)

        /// The next job; nil when the owner is gone and everything is done.
        func next() -> UnownedJob? {
            filled.wait()
            return jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        }
    }

    private let mailbox = Mailbox()

    public init() {
        let start = Unmanaged.passRetained(Start(mailbox: mailbox, executor: Weak(self)))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 64 << 20)  // autograd recurses
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        pthread_create(
            &thread, &attributes,
            { argument in
                #if canImport(Darwin)
                    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                #else
                    let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                #endif
                while let job = start.mailbox.next() {
                    // Whoever waits for the job keeps the actor, and the actor this executor.
                    guard let executor = start.executor.value else { break }
                    job.runSynchronously(on: executor.asUnownedSerialExecutor())
                }
                return nil
            }, start.toOpaque())
        pthread_attr_destroy(&attributes)
    }

    deinit {
        mailbox.filled.signal()
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        mailbox.jobs.withLock { $0.append(job) }
        mailbox.filled.signal()
    }

    private final class Start: Sendable {
        let mailbox: Mailbox
        let executor: Weak

        init(mailbox: Mailbox, executor: Weak) {
            self.mailbox = mailbox
            self.executor = executor
        }
    }

    private final class Weak: Sendable {
        weak let value: TorchThread?
        init(_ value: TorchThread) { self.value = value }
    }
}
