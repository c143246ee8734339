import CLinux

#if canImport(Glibc)
    import Glibc
#endif

/// What a process that serves many bodies at once tells its allocator.
public enum ServerMemory {
    /// Keeps the memory of buffers that came and went in few places, so that more of it serves the next ones.
    ///
    /// Glibc keeps a heap for nearly every thread, each with gaps of its own: with 50 sites that send 124 MB each it held 304 MB
    /// for 200 MB in use. To be called before threads are made; elsewhere it does nothing.
    public static func bound() {
        #if canImport(Glibc)
            _ = mallopt(COHORT_M_ARENA_MAX, 2)
        #endif
    }
}
