import Records
import Testing

@testable import RedisWire

/// Plays the connection: a buffer that receives a reply piece by piece.
private struct Feed: ~Copyable {
    var block = EntryBlock()
    private(set) var largest = 0

    /// Feeds `pieces` one after the other and returns the last word, with the block adopted when it is complete.
    mutating func run(
        _ pieces: some Sequence<ArraySlice<UInt8>>, _ shape: EntryParser.Shape = .streams,
        limits: ReplyLimits = ReplyLimits()
    ) throws -> EntryParser.Progress {
        var parser = EntryParser(shape, limits: limits)
        var buffer: [UInt8] = []
        var last = EntryParser.Progress.needsMore(atLeast: 1)
        for piece in pieces {
            buffer += piece
            largest = max(largest, buffer.count)
            last = try settle(&parser, &buffer)
            guard case .needsMore = last else { break }
        }
        if case .complete = last { block.adopt(bytes: buffer + [UInt8](repeating: 0, count: EntryBlock.slack)) }
        return last
    }

    private mutating func settle(_ parser: inout EntryParser, _ buffer: inout [UInt8]) throws -> EntryParser.Progress {
        while true {
            let progress = try parser.parse(buffer.span, into: &block)
            guard case .discard(let range) = progress else { return progress }
            buffer.removeSubrange(range)
        }
    }
}

private func pieces(_ text: String, of size: Int) -> [ArraySlice<UInt8>] {
    let bytes = Array(text.utf8)
    return stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<min($0 + size, bytes.count)] }
}

private func parsed(
    _ text: String, _ shape: EntryParser.Shape = .streams, by size: Int = .max, limits: ReplyLimits = ReplyLimits()
) throws -> (EntryParser.Progress, [PlainEntry]) {
    var feed = Feed()
    let progress = try feed.run(pieces(text, of: size == .max ? text.utf8.count : size), shape, limits: limits)
    return (progress, feed.block.plain())
}

private let sample = Resp.streams([
    ("s1", [Resp.entry("1-1", ["price", "58584.13"]), Resp.deleted("1-2"), Resp.entry("2-0", ["a", "", "", "b"])]),
    ("empty", []),
    (
        "s2",
        [Resp.entry("18446744073709551615-7", ["data", String(repeating: "x", count: 150), "crlf", "a\r\n$3\r\nb"])]
    ),
])

private let sampleEntries = [
    PlainEntry("s1", "1-1", ["price", "58584.13"]), PlainEntry("s1", "1-2", [], .deleted),
    PlainEntry("s1", "2-0", ["a", "", "", "b"]),
    PlainEntry(
        "s2", "18446744073709551615-7", ["data", String(repeating: "x", count: 150), "crlf", "a\r\n$3\r\nb"]),
]

struct EntryParserTests {
    @Test func entriesOfSeveralStreamsAreFoundWhereTheyLie() throws {
        let (progress, entries) = try parsed(sample)
        #expect(progress == .complete(end: sample.utf8.count))
        #expect(entries == sampleEntries)
    }

    @Test func aReplyThatComesByteByByteIsTheSame() throws {
        let (progress, entries) = try parsed(sample, by: 1)
        #expect(progress == .complete(end: sample.utf8.count))
        #expect(entries == sampleEntries)
    }

    @Test func aReplyCutAnywhereIsTheSame() throws {
        let bytes = Array(sample.utf8)
        for cut in 1..<bytes.count {
            var feed = Feed()
            let progress = try feed.run([bytes[..<cut], bytes[cut...]])
            #expect(progress == .complete(end: bytes.count), "cut at \(cut)")
            #expect(feed.block.plain() == sampleEntries, "cut at \(cut)")
        }
    }

    @Test func askingForMoreNeverAsksForMoreThanTheReply() throws {
        let bytes = Array(sample.utf8)
        for cut in 0..<bytes.count {
            var feed = Feed()
            guard case .needsMore(let count) = try feed.run([bytes[..<cut]]) else {
                Issue.record("complete at \(cut)")
                continue
            }
            #expect(count >= 1 && count <= bytes.count - cut, "cut at \(cut)")
        }
    }

    @Test func bytesOfTheNextReplyAreLeft() throws {
        let (progress, entries) = try parsed(sample + "+OK\r\n")
        #expect(progress == .complete(end: sample.utf8.count))
        #expect(entries == sampleEntries)
    }

    @Test func nilIsNothingAndEmptyIsEmpty() throws {
        #expect(try parsed("*-1\r\n").0 == .nothing(end: 5))
        #expect(try parsed("$-1\r\n").0 == .nothing(end: 5))
        #expect(try parsed("*0\r\n").0 == .complete(end: 4))
        #expect(try parsed("*0\r\n", .range(of: StreamKey("s"))).0 == .complete(end: 4))
        #expect(try parsed("*-1\r\n", by: 1).0 == .nothing(end: 5))
    }

    @Test func aRangeIsOneRunOfItsStream() throws {
        let text = Resp.array([Resp.entry("1-1", ["a", "1"]), Resp.entry("1-2", ["a", "2"])])
        for size in [1, 7, .max] {
            let (progress, entries) = try parsed(text, .range(of: StreamKey("s")), by: size)
            #expect(progress == .complete(end: text.utf8.count))
            #expect(entries == [PlainEntry("s", "1-1", ["a", "1"]), PlainEntry("s", "1-2", ["a", "2"])])
        }
    }

    @Test func anErrorInsteadOfEntriesIsTold() throws {
        let text = "-NOGROUP No such key 's' or consumer group 'g'\r\n"
        for size in [1, .max] {
            guard case .refused(let error, let end) = try parsed(text, by: size).0 else {
                Issue.record("not refused")
                return
            }
            #expect(error.code == "NOGROUP" && error.message.hasPrefix("No such key"))
            #expect(end == text.utf8.count)
        }
    }

    @Test func keysMayBeAnyBytes() throws {
        var bytes = Array("*1\r\n*2\r\n$4\r\n".utf8) + [0xFF, 0x00, 0x0D, 0x0A]
        bytes += Array("\r\n*0\r\n".utf8)
        var feed = Feed()
        _ = try feed.run([bytes[...]])
        #expect(feed.block.streams.map(\.key.bytes) == [[0xFF, 0x00, 0x0D, 0x0A]])
    }
}

struct EntryParserSkippingTests {
    private let limits = ReplyLimits(keptBytes: 1_024)

    private func value(_ count: Int) -> String { String(repeating: "v", count: count) }

    /// Large and small entries: what fits is kept, in whatever pieces the reply comes.
    @Test func whatIsSkippedDependsOnTheReplyAlone() throws {
        let big = ["name", value(2_000), "more", "x"]
        let text = Resp.streams([
            ("s", [Resp.entry("1-0", ["a", value(300)]), Resp.entry("2-0", big), Resp.entry("3-0", ["b", "1"])]),
            ("t", [Resp.deleted("4-0"), Resp.entry("5-0", ["c", value(900)]), Resp.entry("6-0", ["d", "2"])]),
        ])
        let expected = [
            PlainEntry("s", "1-0", ["a", value(300)]),
            PlainEntry("s", "2-0", [], .skipped(byteCount: Resp.array(big.map(Resp.bulk)).utf8.count)),
            PlainEntry("s", "3-0", ["b", "1"]), PlainEntry("t", "4-0", [], .deleted),
            PlainEntry(
                "t", "5-0", [], .skipped(byteCount: Resp.array(["c", value(900)].map(Resp.bulk)).utf8.count)),
            PlainEntry("t", "6-0", ["d", "2"]),
        ]
        for size in Array(1...80) + [500, 1_000, 2_500, .max] {
            let (progress, entries) = try parsed(text, by: size, limits: limits)
            guard case .complete = progress else {
                Issue.record("pieces of \(size): \(progress)")
                continue
            }
            #expect(entries == expected, "pieces of \(size)")
        }
    }

    @Test func memoryIsBoundedWhateverTheEntryTakes() throws {
        let text = Resp.streams([("s", [Resp.entry("1-0", ["a", value(1 << 20)]), Resp.entry("2-0", ["b", "1"])])])
        var feed = Feed()
        _ = try feed.run(pieces(text, of: 500), limits: limits)
        #expect(feed.largest < 2_048)
        #expect(feed.block.plain().map(\.id) == ["1-0", "2-0"])
    }

    @Test func manyEntriesPastTheLimitTakeNoMoreRoom() throws {
        let text = Resp.streams([("s", (1...2_000).map { Resp.entry("\($0)-0", ["field", value(100)]) })])
        var feed = Feed()
        _ = try feed.run(pieces(text, of: 700), limits: limits)
        #expect(feed.largest < 2_500)
        let bodies = feed.block.plain().map(\.body)
        #expect(bodies.count == 2_000)
        #expect(bodies.filter { $0 == .kept }.count == 7)
        #expect(bodies.prefix(7).allSatisfy { $0 == .kept })
    }

    @Test func anEntryAsLargeAsTheLimitIsKept() throws {
        let overhead = Resp.entry("1-0", ["a", value(900)]).utf8.count - 900
        let fits = Resp.entry("1-0", ["a", value(1_024 - overhead)])
        #expect(fits.utf8.count == 1_024)
        #expect(try parsed(Resp.streams([("s", [fits])]), limits: limits).1[0].body == .kept)
        let exceeds = Resp.entry("1-0", ["a", value(1_025 - overhead)])
        #expect(try parsed(Resp.streams([("s", [exceeds])]), limits: limits).1[0].body != .kept)
    }

    /// More names and values than one array may have: a violation would come again with every try.
    @Test func anEntryOfAMillionFieldsIsSkippedAndItsNeighboursAreKept() throws {
        let pairs = 500_001
        let body = "*\(2 * pairs)\r\n" + String(repeating: "$1\r\nf\r\n$1\r\nv\r\n", count: pairs)
        let text = Resp.streams([
            (
                "s",
                [
                    Resp.entry("1-0", ["a", "1"]), Resp.array([Resp.bulk("2-0"), body]),
                    Resp.entry("3-0", ["b", "2"]),
                ]
            )
        ])
        let expected = [
            PlainEntry("s", "1-0", ["a", "1"]), PlainEntry("s", "2-0", [], .skipped(byteCount: body.utf8.count)),
            PlainEntry("s", "3-0", ["b", "2"]),
        ]
        var feed = Feed()
        let progress = try feed.run(pieces(text, of: 64 << 10))
        guard case .complete = progress else {
            Issue.record("\(progress)")
            return
        }
        #expect(feed.block.plain() == expected)
        #expect(feed.largest < 256 << 10)
        #expect(try parsed(text).1 == expected)
    }

    /// What is asked for beyond the reply would be waited for until the deadline.
    @Test func askingForMoreNeverAsksForMoreThanTheReply() throws {
        let text = Resp.array([
            Resp.entry("1-0", ["a", "1"]), Resp.entry("2-0", ["name", value(1_500), "more", "x"]),
        ])
        let bytes = Array(text.utf8)
        for cut in 0..<bytes.count {
            var feed = Feed()
            let progress = try feed.run([bytes[..<cut]], .range(of: StreamKey("s")), limits: limits)
            guard case .needsMore(let count) = progress else {
                Issue.record("\(progress) at \(cut)")
                continue
            }
            #expect(count >= 1 && count <= bytes.count - cut, "cut at \(cut)")
        }
    }

    @Test func aSkippedStringMustEndProperly() {
        let text = "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\na\r\n$2000\r\n\(value(2_000))xx"
        for size in [1, 100, .max] {
            #expect(throws: ProtocolViolation.self) { try parsed(text, by: size, limits: limits) }
        }
    }
}
