import BlockingExecutor
import MarketSimulator
import RecordFiles
import Records
import RedisWire
import Synchronization

/// How many entries a publisher has handed in, for those who watch it.
final class PublishedCount: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }

    fileprivate func increment() { count.add(1, ordering: .relaxed) }
}

/// The demo's producer, on a thread of its own: it blocks.
actor DemoPublisher {
    /// What to publish.
    struct Market: Sendable {
        var seed: UInt64
        var count: Int
        /// `nil` is as fast as Redis takes it.
        var rate: Int?
        /// Simulated time of the first entry, in microseconds.
        var start: Int64
    }

    private nonisolated let thread: BlockingThread
    private let url: String
    nonisolated let published = PublishedCount()
    private(set) var expected = ExpectedRows()

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(url: String) throws(BlockingThread.CreationError) {
        thread = try BlockingThread(name: "publisher")
        self.url = url
    }

    /// How many entries the files hold that the built-in configuration reads.
    func count(_ files: RecordedFiles) throws -> Int {
        var count = 0
        try forEachEntry(of: files) { _, _, _ in
            count += 1
            return true
        }
        return count
    }

    /// Publishes the files' entries, `total` at most, under new ids.
    func publish(_ files: RecordedFiles, rate: Int, total: Int) throws {
        let publisher = PacedPublisher(try connect(), rate: rate, total: Int64(total))
        try forEachEntry(of: files) { record, stream, table in
            try publisher.beginEntry(stream, id: nil, pairs: record.fields.count)
            for field in record.fields {
                publisher.write(field.name)
                publisher.write(field.value)
            }
            try publisher.endEntry()
            expected.add(table) { name in
                let bytes = Array(name.utf8)
                return record.fields.first { $0.name == bytes }.map { String(decoding: $0.value, as: UTF8.self) }
            }
            published.increment()
            return published.value < total
        }
        _ = try publisher.finish()
    }

    /// Publishes simulated market data.
    func publish(_ market: Market) throws {
        var simulator = MarketSimulator(
            seed: market.seed, kinds: MarketKind.marketData, startMicroseconds: market.start, rate: market.rate ?? 1000)
        var entry = SimulatedEntry()
        let publisher = PacedPublisher(try connect(), rate: market.rate, total: Int64(market.count))
        for _ in 0..<market.count {
            simulator.next(into: &entry)
            try write(entry, to: publisher)
            if let table = ExpectedRows.table(of: entry.stream) {
                let texts = entry.stream == MarketKind.ohlcv.stream ? entry.texts : []
                expected.add(table) { name in texts.first { $0.name == name }?.value }
            }
            published.increment()
        }
        _ = try publisher.finish()
    }

    /// Publishes every kind of garbage there is; gives how many letters must come of each cause.
    func publishGarbage(timeMicroseconds: Int64) throws -> [String: Int] {
        let publisher = PacedPublisher(try connect(), rate: nil, total: nil)
        var causes: [String: Int] = [:]
        for garbage in GarbageCorpus.cases(seed: 1, timeMicroseconds: timeMicroseconds) {
            try write(garbage.entry, to: publisher)
            causes[garbage.reason.rawValue, default: 0] += 1
        }
        _ = try publisher.finish()
        return causes
    }

    private func write(_ entry: SimulatedEntry, to publisher: PacedPublisher) throws {
        try publisher.beginEntry(entry.stream, id: nil, pairs: entry.pairCount)
        for pair in 0..<entry.pairCount {
            publisher.write(entry.name(pair).withUnsafeBufferPointer { Array($0) })
            publisher.write(entry.value(pair).withUnsafeBufferPointer { Array($0) })
        }
        try publisher.endEntry()
    }

    /// Goes on while `body` says so.
    private func forEachEntry(
        of files: RecordedFiles, _ body: (FileRecord, StreamKey, String) throws -> Bool
    ) throws {
        do {
            for path in files.paths {
                let reader = try RecordFileReader(path: path, format: .entries)
                while let record = try reader.next() {
                    guard let stream = record.stream, let table = ExpectedRows.table(of: stream) else { continue }
                    guard try body(record, stream, table) else { return }
                }
            }
        } catch let error as RecordFileError {
            throw CommandFailure("\(error)", fix: "point MILLRACE_DATA at other files, or at an empty folder")
        }
    }

    private func connect() throws -> RedisConnection {
        let connection = try RedisConnection.connect(to: RedisEndpoint(url: url), name: "millrace/demo")
        connection.commandTimeout = .seconds(30)
        return connection
    }
}
