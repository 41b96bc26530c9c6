import BlockingExecutor
import RedisStreams
import RedisWire
import Settings

/// What Redis knows of the demo's streams, asked on a thread of its own: it blocks.
actor DemoStreams {
    private nonisolated let thread: BlockingThread
    private let url: String

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(url: String) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "streams")
        self.url = url
    }

    /// Entries that the group has read and not acknowledged, in all streams.
    func pending(_ settings: Settings) throws -> Int {
        let connection = try RedisConnection.connect(to: RedisEndpoint(url: url), name: "millrace/demo")
        let streams = try StreamSelection.configured(settings, on: connection)
        let states = try connection.identities(of: streams, group: settings.consumerGroup)
        return states.values.reduce(0) { $0 + ($1.group?.pending ?? 0) }
    }
}
