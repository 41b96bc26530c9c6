import PostgresCopy
import Records
import RedisWire

/// Letters as what they were before: entries of a block, so that the ordinary encoders take them.
struct ReplayPage {
    /// Neighbours of one source.
    struct Run {
        let stream: StreamKey
        let entries: Range<Int>
    }

    /// Runs that one encoder takes.
    struct Group {
        let route: Routes.RouteID
        let entries: Range<Int>
    }

    let held = HeldBlock(EntryBlock())
    /// By the entry's index in the block.
    private(set) var letters: [OpenLetter] = []
    private(set) var runs: [Run] = []
    private(set) var groups: [Group] = []

    /// - Parameters:
    ///   - letters: each with its fields, which are well-formed.
    ///   - route: the letters' streams all have one.
    /// - Throws: when the bytes are not what an entry's fields can be after all.
    init(_ letters: [OpenLetter], route: (StreamKey) -> Routes.RouteID?) throws(ProtocolViolation) {
        var order: [Routes.RouteID] = []
        var byRoute: [Routes.RouteID: [OpenLetter]] = [:]
        for letter in letters {
            guard let route = route(letter.stream) else { continue }
            if byRoute[route] == nil { order.append(route) }
            byRoute[route, default: []].append(letter)
        }
        var reply = ReplyText()
        for route in order {
            let first = self.letters.count
            for source in Self.bySource(byRoute[route] ?? []) {
                let start = self.letters.count
                self.letters += source
                runs.append(Run(stream: source[0].stream, entries: start..<self.letters.count))
                reply.add(source)
            }
            groups.append(Group(route: route, entries: first..<self.letters.count))
        }
        try reply.fill(held)
        guard held.block.count == self.letters.count else {
            throw ProtocolViolation("a letter that is not one entry", offset: 0)
        }
    }

    private static func bySource(_ letters: [OpenLetter]) -> [[OpenLetter]] {
        let sources = Dictionary(grouping: letters, by: \.key.source)
        return sources.sorted { $0.key < $1.key }.map { $0.value.sorted { $0.key < $1.key } }
    }
}

/// The bytes of a reply to XREADGROUP that would have brought the letters.
private struct ReplyText {
    private var bytes: [UInt8] = []
    private var streams = 0

    mutating func add(_ letters: [OpenLetter]) {
        streams += 1
        bytes += "*2\r\n".utf8
        append(bulk: letters[0].stream.bytes)
        bytes += "*\(letters.count)\r\n".utf8
        for letter in letters {
            bytes += "*2\r\n".utf8
            append(bulk: Array(letter.key.id.description.utf8))
            bytes += letter.fields ?? []
        }
    }

    private mutating func append(bulk text: [UInt8]) {
        bytes += "$\(text.count)\r\n".utf8
        bytes += text
        bytes += [13, 10]
    }

    consuming func fill(_ held: HeldBlock) throws(ProtocolViolation) {
        var reply = Array("*\(streams)\r\n".utf8)
        reply += bytes
        let end = reply.count
        reply += [UInt8](repeating: 0, count: EntryBlock.slack)
        _ = held.block.recycle()
        var parser = EntryParser(.streams, limits: ReplyLimits(keptBytes: end))
        guard case .complete = try parser.parse(reply.span.extracting(0..<end), into: &held.block) else {
            throw ProtocolViolation("a letter's fields end too early", offset: 0)
        }
        held.block.adopt(bytes: reply)
    }
}
