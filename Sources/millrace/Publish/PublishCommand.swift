import ArgumentParser
import Glibc
import MarketSimulator
import RecordFiles
import Records

struct PublishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Write the records of files to Redis Streams.",
        discussion: """
            ndjson and csv go to one stream; trades, ticker, orderbook, ohlcv, positions and orders stand for md:trades and so on. \
            entries are lines {"stream": …, "id": …, "fields": [[name, value], …]}, each with its own stream unless \
            one is given; this is the format when no stream is given. Gzip is recognised.

            EXAMPLES
              millrace publish trades --file trades.ndjson
              millrace publish md:ticker --file ticker.csv.gz --rate 5000
              millrace publish --format entries --file BYBIT.ndjson.gz --file HUOBI.ndjson.gz
              millrace generate trades --count 1000 | millrace publish trades
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case ndjson, csv, entries
    }

    @Argument(
        help: ArgumentHelp(
            "The stream, or one of trades, ticker, orderbook, ohlcv, positions, orders.", valueName: "stream|kind"))
    var target: String?

    @Option(
        name: .long, help: ArgumentHelp("A file; - is standard input (the default). Repeatable.", valueName: "file"))
    var file: [String] = []

    @Option(name: .long, help: "ndjson, csv or entries; by the file's name when not given.")
    var format: Format?

    @Option(name: .long, help: ArgumentHelp("Entries a second; as fast as possible when not given.", valueName: "n"))
    var rate: Int?

    @Option(name: .long, help: ArgumentHelp("Stop after so many entries.", valueName: "n"))
    var count: Int64?

    @Flag(name: .long, help: "Keep the ids of entries, instead of letting Redis make new ones.")
    var keepIds = false

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if let rate, !(1...10_000_000).contains(rate) { throw ValidationError("--rate is a number from 1") }
        if let count, count < 1 { throw ValidationError("--count is a number from 1") }
        if target == "" { throw ValidationError("the stream's name is empty") }
        if target == nil, let format, format != .entries {
            throw ValidationError(
                "\(format.rawValue) needs a stream: millrace publish STREAM --format \(format.rawValue)")
        }
        if keepIds, let format, format != .entries {
            throw ValidationError("--keep-ids needs --format entries: \(format.rawValue) has no ids")
        }
    }

    func run() throws {
        let paths = file.isEmpty ? ["-"] : file
        for path in paths where path != "-" && access(path, R_OK) != 0 {
            throw CommandFailure("file \(path): \(String(cString: strerror(errno)))", fix: "nothing was published")
        }
        let connection = try Servers(try source.load()).redis()
        Interruption.watch()
        let publisher = PacedPublisher(connection, rate: rate, total: count)
        do {
            for path in paths { try publish(path, with: publisher) }
        } catch let error as InputProblem {
            let added = try publisher.finish().entries
            throw CommandFailure(
                "\(error.text), after \(Figures.count(added)) entries",
                fix: "check the file and --format (\(Format.allCases.map(\.rawValue).joined(separator: ", ")))")
        }
        try publisher.finish().print(output)
        if Interruption.isAsked { throw CommandFailure("stopped before the end of the input") }
    }

    private func publish(_ path: String, with publisher: PacedPublisher) throws {
        let reader: RecordFileReader
        do throws(RecordFileError) {
            reader = try RecordFileReader(path: path, format: format(of: path))
        } catch {
            throw InputProblem(error.description)
        }
        while publisher.begun < count ?? .max, !Interruption.isAsked, let record = try next(reader) {
            guard let stream = stream ?? record.stream else {
                throw InputProblem("\(reader.name):\(record.line): no stream, and none was given as an argument")
            }
            guard !record.fields.isEmpty else {
                throw InputProblem("\(reader.name):\(record.line): a record without fields")
            }
            try publisher.beginEntry(stream, id: keepIds ? record.id : nil, pairs: record.fields.count)
            for field in record.fields {
                publisher.write(field.name)
                publisher.write(field.value)
            }
            try publisher.endEntry()
            if path == "-", !Self.hasMoreInput { try publisher.flush() }
        }
    }

    /// Whether standard input has something now. If not, what we have must not wait for it.
    private static var hasMoreInput: Bool {
        var input = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return poll(&input, 1, 0) == 1
    }

    private struct InputProblem: Error {
        var text: String

        init(_ text: String) {
            self.text = text
        }
    }

    private func next(_ reader: RecordFileReader) throws(InputProblem) -> FileRecord? {
        do throws(RecordFileError) {
            return try reader.next()
        } catch {
            throw InputProblem(error.description)
        }
    }

    private func format(of path: String) -> RecordFormat {
        switch format {
        case .ndjson: return .ndjson
        case .csv: return .csv
        case .entries: return .entries
        case nil: break
        }
        if keepIds { return .entries }
        return target == nil ? .entries : RecordFormat(path: path) ?? .ndjson
    }

    private var stream: StreamKey? {
        target.map { MarketKind(rawValue: $0)?.stream ?? StreamKey($0) }
    }
}
