import MarketSimulator
import Records

/// Simulated entries, some of them broken on purpose; the same for the same parameters.
struct EntrySource {
    struct Parameters {
        var seed: UInt64
        var symbols: Int
        var kinds: [MarketKind]
        var startMicroseconds: Int64
        var rate: Int
        var garbagePercent: Double
    }

    private var simulator: MarketSimulator
    private let fixedStream: StreamKey?
    private let garbage: [SimulatedEntry]
    private var nextGarbage = 0
    private var random: SplitMix64
    /// Of a million entries.
    private let garbageShare: Int64
    /// The entry that ``next()`` made.
    private(set) var entry = SimulatedEntry()

    /// - Parameter stream: where all entries go; `nil` is the stream of the kind.
    init(_ parameters: Parameters, stream: StreamKey?) {
        simulator = MarketSimulator(
            seed: parameters.seed, symbols: parameters.symbols, kinds: parameters.kinds,
            startMicroseconds: parameters.startMicroseconds, rate: parameters.rate)
        // Broken entries of a single kind go where its good ones go.
        fixedStream = stream ?? (parameters.kinds.count == 1 ? parameters.kinds[0].stream : nil)
        garbageShare = Int64(parameters.garbagePercent * 10_000)
        garbage =
            garbageShare == 0
            ? []
            : GarbageCorpus.cases(seed: parameters.seed, timeMicroseconds: parameters.startMicroseconds).map(\.entry)
        // Another sequence than the market's, so that good entries are the same with and without garbage.
        random = SplitMix64(seed: ~parameters.seed)
    }

    /// Where ``entry`` belongs.
    var stream: StreamKey { fixedStream ?? entry.stream }

    /// Makes the next entry.
    mutating func next() {
        guard !garbage.isEmpty, random.below(1_000_000) < garbageShare else { return simulator.next(into: &entry) }
        entry = garbage[nextGarbage]
        nextGarbage = (nextGarbage + 1) % garbage.count
    }
}
