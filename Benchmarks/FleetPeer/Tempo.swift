import ArgumentParser
import Fleet

/// How long a site waits for what, in seconds: shorter where runs are to be short.
struct Tempo: ParsableArguments {
    @Option(help: "Between two signs of life, 10 to 1800.") var heartbeat = 30.0
    @Option(help: "How long the server may hold a call until there is a message.") var wait = 20.0
    @Option(help: "Between two pieces of an answer; longer than --wait.") var readTimeout = 60.0
    @Option(help: "Before a call is tried again; it doubles,") var firstPause = 0.5
    @Option(help: "up to this.") var longestPause = 30.0

    func validate() throws {
        guard FleetNode.intervals.contains(heartbeat), wait >= 0, readTimeout > wait, firstPause > 0,
            longestPause >= firstPause
        else {
            throw ValidationError("--heartbeat is 10 to 1800, --read-timeout longer than --wait, and pauses not 0.")
        }
    }

    func set(_ settings: inout HTTPSClient.Settings) {
        settings.readTimeout = .seconds(readTimeout)
        settings.retry.firstPause = .seconds(firstPause)
        settings.retry.longestPause = .seconds(longestPause)
    }

    func set(_ settings: inout FleetSite.Settings) {
        settings.heartbeat = heartbeat
        settings.wait = .seconds(wait)
    }
}
