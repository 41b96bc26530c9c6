import Records
import Testing

@testable import RedisWire

struct AbridgedReaderTests {
    /// Feeds a reply in pieces, as a connection does: what was read is removed.
    private func read(
        _ text: String, by size: Int, limits: ReplyLimits = ReplyLimits()
    ) throws -> (value: RedisValue?, left: Int, largest: Int) {
        let bytes = Array(text.utf8)
        var reader = AbridgedReader(limits: limits)
        var buffer: [UInt8] = []
        var largest = 0
        for start in stride(from: 0, to: bytes.count, by: size) {
            let end = min(start + size, bytes.count)
            buffer += bytes[start..<end]
            largest = max(largest, buffer.count)
            let step = try reader.read(buffer.span, from: 0)
            buffer.removeSubrange(..<step.end)
            if let value = step.value { return (value, buffer.count + bytes.count - end, largest) }
        }
        return (nil, buffer.count, largest)
    }

    private func whole(_ text: String) throws -> RedisValue? {
        let bytes = Array(text.utf8)
        var cursor = ReplyCursor(bytes.span, at: 0)
        return try RedisValue.read(&cursor, limits: ReplyLimits())
    }

    private let pairs = (1...200).map {
        Resp.array([Resp.bulk("name"), Resp.bulk("c\($0)"), Resp.bulk("pending"), ":1\r\n"])
    }

    @Test func whatIsSmallIsReadAsItIs() throws {
        let replies = [
            "+OK\r\n", "-ERR no such key\r\n", ":-7\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "$0\r\n\r\n",
            Resp.bulk("a\r\n$3\r\nb"), Resp.array(["*0\r\n", "*-1\r\n", "$-1\r\n", "-ERR inside\r\n", "+QUEUED\r\n"]),
            Resp.array(pairs), Resp.array([Resp.array([Resp.array([]), ":1\r\n"]), Resp.array([]), Resp.bulk("end")]),
        ]
        for text in replies {
            for size in Array(1...20) + [.max / 2] {
                let (value, left, _) = try read(text + "+NEXT\r\n", by: size)
                #expect(try value == whole(text), "\(text) in pieces of \(size)")
                #expect(left == 7, "\(text) in pieces of \(size)")
            }
        }
    }

    @Test func longStringsAreCut() throws {
        let long = String(repeating: "x", count: 9_000)
        let text = Resp.array([
            Resp.bulk("a"), Resp.bulk(long), Resp.array([Resp.bulk(long), ":1\r\n"]), Resp.bulk("b"),
        ])
        let cut = RedisValue.bulk(Array(long.utf8.prefix(AbridgedReader.stringBytes)))
        let (a, b) = (RedisValue.bulk(Array("a".utf8)), RedisValue.bulk(Array("b".utf8)))
        let expected = RedisValue.array([a, cut, .array([cut, .integer(1)]), b])
        for size in Array(1...50) + [4_095, 4_096, 4_097, 9_001, 9_002, .max / 2] {
            let (value, left, largest) = try read(text + "+NEXT\r\n", by: size)
            #expect(value == expected && left == 7, "pieces of \(size)")
            #expect(size > 10_000 || largest <= AbridgedReader.stringBytes + 32 + size, "pieces of \(size)")
        }
    }

    /// An entry of many fields is left out but for its beginning; lists of consumers are not.
    @Test func ofManyStringsTheFirstAreKept() throws {
        let fields = "*1000002\r\n" + String(repeating: "$1\r\nf\r\n", count: 1_000_002)
        let text = Resp.array([Resp.bulk("last-entry"), Resp.array([Resp.bulk("7-0"), fields]), Resp.array(pairs)])
        let (value, left, largest) = try read(text + "+NEXT\r\n", by: 10_000)
        let parts = try #require(value?.array)
        #expect(parts[1].array?.first?.text == "7-0")
        #expect(parts[1].array?.last?.array?.count == AbridgedReader.stringsEach)
        #expect(try parts[2] == whole(Resp.array(pairs)))
        #expect(left == 7 && largest < 20_000)
    }

    @Test(arguments: HostileReplyTests.valueReplies.filter { $0 != "*1000001\r\n" } + ["*2147483648\r\n"])
    func aHostileReplyIsRefused(_ text: String) {
        for size in text.utf8.count > 1_000 ? [text.utf8.count] : [1, text.utf8.count] {
            #expect(throws: ProtocolViolation.self, "in pieces of \(size)") { try read(text, by: size) }
        }
    }

    @Test func whatIsKeptIsLimited() throws {
        let limits = ReplyLimits(elements: 300, replyBytes: 1_000)
        #expect(throws: ProtocolViolation.self) { try read(Resp.array(pairs), by: 100, limits: limits) }
        let few = (1...80).map { _ in Resp.array([Resp.bulk("0123456789")]) }
        #expect(throws: ProtocolViolation.self) { try read(Resp.array(few), by: 100, limits: limits) }
        let long = Resp.array([Resp.bulk("a"), Resp.bulk(String(repeating: "x", count: 1 << 20))])
        #expect(throws: ProtocolViolation.self) { try read(long, by: 100, limits: limits) }
        #expect(try read(long, by: 100).value != nil)
    }

    @Test func theViolationTellsThePlace() throws {
        let text = Resp.array([Resp.bulk(String(repeating: "x", count: 5_000)), "?"])
        for size in [1, 1_000, text.utf8.count] {
            #expect(throws: ProtocolViolation("something else than a reply", offset: text.utf8.count - 1)) {
                try read(text, by: size)
            }
        }
    }
}
