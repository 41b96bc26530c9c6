import ArgumentParser
import Foundation
import MarketSimulator
import Records

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Simulate a market: NDJSON out, or entries of Redis Streams.",
        discussion: """
            The same seed and start give the same entries. Simulated time begins at 2025-01-01T00:00:00Z, with --publish \
            now; --start sets it. One entry follows another by 1/rate of a second (1 ms when no rate is given).

            EXAMPLES
              millrace generate trades --count 1000 --seed 7 > trades.ndjson
              millrace generate all --publish --rate 20000 --count 1000000
              millrace generate trades --publish --rate 100 --count 0      (until Ctrl-C)
              millrace generate trades --publish --count 10000 --garbage 1
            """)

    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case trades, ticker, orderbook, ohlcv, positions, orders, all
    }

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case ndjson, entries
    }

    @Argument(help: "trades, ticker, orderbook, ohlcv, positions, orders, or all of them, mixed.")
    var kind: Kind

    @Option(name: .long, help: ArgumentHelp("How many entries; 0 goes on until Ctrl-C.", valueName: "n"))
    var count: Int64 = 1000

    @Option(name: .long, help: ArgumentHelp("Entries a second; as fast as possible when not given.", valueName: "n"))
    var rate: Int?

    @Option(name: .long, help: ArgumentHelp("Chooses the market.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(name: .long, help: ArgumentHelp("How many markets.", valueName: "n"))
    var symbols = 10

    @Option(
        name: .long,
        help: ArgumentHelp("The first entry's time: now, or such as 2025-01-01T00:00:00Z.", valueName: "time"))
    var start: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "So many of a hundred entries are broken ones; bytes that are not UTF-8 only with --publish.",
            valueName: "percent"))
    var garbage = 0.0

    @Flag(name: .long, help: "Write to Redis Streams instead of standard output.")
    var publish = false

    @Option(
        name: .long, help: ArgumentHelp("The stream; by the kind when not given, such as md:trades.", valueName: "key"))
    var stream: String?

    @Option(name: .long, help: "Lines of fields (ndjson), or with their stream (entries, always for all).")
    var format: Format?

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if count < 0 { throw ValidationError("--count is a number from 0") }
        if let rate, !(1...10_000_000).contains(rate) { throw ValidationError("--rate is a number from 1") }
        if !(1...100_000).contains(symbols) { throw ValidationError("--symbols is a number from 1 to 100000") }
        if !(0...100).contains(garbage) { throw ValidationError("--garbage is a number from 0 to 100") }
        if kind == .all, format == .ndjson { throw ValidationError("all is of several streams: --format entries") }
        if publish, format != nil { throw ValidationError("--format is for standard output, not for --publish") }
        if stream == "" { throw ValidationError("the stream's name is empty") }
        _ = try startMicroseconds()
    }

    func run() throws {
        let parameters = EntrySource.Parameters(
            seed: seed, symbols: symbols,
            kinds: MarketKind(rawValue: kind.rawValue).map { [$0] } ?? MarketKind.allCases,
            startMicroseconds: try startMicroseconds(), rate: rate ?? 1000, garbagePercent: garbage)
        var entries = EntrySource(parameters, stream: stream.map { StreamKey($0) })
        Interruption.watch()
        if publish {
            try send(&entries)
        } else {
            try printLines(&entries)
        }
        if Interruption.isAsked, count > 0 { throw CommandFailure("stopped before the last entry") }
    }

    private var isEndless: Bool { count == 0 }

    private func send(_ entries: inout EntrySource) throws {
        let connection = try Servers(try source.load()).redis()
        let publisher = PacedPublisher(connection, rate: rate, total: isEndless ? nil : count)
        while isEndless || publisher.begun < count, !Interruption.isAsked {
            entries.next()
            try publisher.beginEntry(entries.stream, id: nil, pairs: entries.entry.pairCount)
            for pair in 0..<entries.entry.pairCount {
                publisher.write(entries.entry.name(pair).withUnsafeBufferPointer { Array($0) })
                publisher.write(entries.entry.value(pair).withUnsafeBufferPointer { Array($0) })
            }
            try publisher.endEntry()
        }
        try publisher.finish().print(output)
    }

    private func printLines(_ entries: inout EntrySource) throws {
        var writer = LineWriter(rate: rate)
        let isWithStream = kind == .all || format == .entries
        var done: Int64 = 0
        while isEndless || done < count, !Interruption.isAsked {
            entries.next()
            try writer.makeRoom()
            if isWithStream {
                EntryText.appendWithStream(entries.entry, stream: entries.stream, to: &writer.bytes)
            } else {
                EntryText.appendFields(entries.entry, to: &writer.bytes)
            }
            done += 1
        }
        try writer.flush()
    }

    /// 2025-01-01, so that a file made today and one made tomorrow are the same.
    private static let standardStart: Int64 = 1_735_689_600_000_000

    private func startMicroseconds() throws -> Int64 {
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
        switch start {
        case nil: return publish ? now : Self.standardStart
        case "now": return now
        case .some(let text):
            guard let date = try? Date(text, strategy: .iso8601) else {
                throw ValidationError("--start is now, or a time such as 2025-01-01T00:00:00Z")
            }
            return Int64(date.timeIntervalSince1970) * 1_000_000
        }
    }
}
