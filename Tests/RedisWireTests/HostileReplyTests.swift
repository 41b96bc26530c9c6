import Records
import Testing

@testable import RedisWire

/// Replies that no honest server sends. Each is an error with a place, never a trap and never endless waiting.
struct HostileReplyTests {
    static let head = "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n"
    static let entry = head + "*2\r\n$3\r\n1-1\r\n"

    static let entryReplies = [
        "*-2\r\n", "*1000001\r\n", "*99999999999999999999\r\n", "*9223372036854775807\r\n",
        "*-9223372036854775808\r\n", "*-9223372036854775809\r\n", "*\r\n", "*-\r\n", "*1a\r\n", "*1\n", "*1\rx",
        "* 1\r\n", "*+1\r\n", "*00000000000000000000001\r\n", "$3\r\nabc\r\n", ":1\r\n", "+OK\r\n", "x", "\r\n", "\0",
        // RESP3
        "_\r\n", "%1\r\n", "~1\r\n", ">1\r\n", "|1\r\n", "#t\r\n", ",1.5\r\n", "(1\r\n", "!3\r\nabc\r\n",
        "=7\r\ntxt:abc\r\n",
        // streams
        "*1\r\n*3\r\n", "*1\r\n*-1\r\n", "*1\r\n$1\r\n", "*1\r\n*2\r\n$-1\r\n", "*1\r\n*2\r\n*0\r\n",
        "*1\r\n*2\r\n$1\r\ns\r\n*-1\r\n", "*1\r\n*2\r\n$1\r\ns\r\n$1\r\n", "*1\r\n*2\r\n$1\r\nsxx*0\r\n",
        "*1\r\n*2\r\n$1\r\ns\r\n%0\r\n", "*1\r\n*2\r\n$536870913\r\n", "*1\r\n-ERR inside\r\n",
        // entries
        head + "*-1\r\n", head + "*1\r\n", head + "*3\r\n", head + "*2\r\n$-1\r\n", head + "*2\r\n$0\r\n\r\n",
        head + "*2\r\n$3\r\nabc\r\n", head + "*2\r\n$1\r\n-\r\n", head + "*2\r\n$2\r\n1-\r\n",
        head + "*2\r\n:1\r\n", head + "*2\r\n$23\r\n99999999999999999999-99\r\n",
        head + "*2\r\n$500\r\n" + String(repeating: "1", count: 200), entry + "*1\r\n", entry + "*3\r\n",
        entry + "*-2\r\n", entry + "*2147483648\r\n", entry + "$1\r\na\r\n", entry + ":1\r\n", entry + "_\r\n",
        // fields
        entry + "*2\r\n$-1\r\n", entry + "*2\r\n$-2\r\n", entry + "*2\r\n$1\r\na\r\n:1\r\n",
        entry + "*2\r\n$1\r\naxx", entry + "*2\r\n$1\r\na\r\r", entry + "*2\r\n$1\r\na\n\r",
        entry + "*2\r\n$9223372036854775807\r\n", entry + "*2\r\n$99999999999999999999\r\n",
        entry + "*2\r\n$536870913\r\n", entry + "*2\r\n*1\r\n", entry + "*2\r\n$ 1\r\n", entry + "*2\r\n$1 \r\n",
        entry + "*2\r\n$12x\r\n", entry + "*2\r\n$1\rx",
    ]

    @Test(arguments: entryReplies) func aHostileReplyOfEntriesIsRefused(_ text: String) {
        let bytes = Array((text + String(repeating: "z", count: 64)).utf8)
        for step in [1, bytes.count] {
            var parser = EntryParser(.streams)
            var block = EntryBlock()
            #expect(throws: ProtocolViolation.self, "in pieces of \(step)") {
                for end in stride(from: step, through: bytes.count, by: step) {
                    _ = try parser.parse(bytes.span.extracting(first: end), into: &block)
                }
            }
        }
    }

    static let valueReplies = [
        "*-2\r\n", "*1000001\r\n", "$536870913\r\n", "$-2\r\n", "$3\r\nabcxx", ":\r\n", ":1x\r\n",
        ":9223372036854775808\r\n", ":1\rx", "+OK\n", "+OK\rx", "_\r\n", "%1\r\n", "~1\r\n", ">1\r\n", "#t\r\n", "x",
        String(repeating: "*1\r\n", count: 10),
        "*2\r\n*999999\r\n" + String(repeating: ":1\r\n", count: 999_999)
            + "*10\r\n",
    ]

    @Test(arguments: valueReplies) func aHostileOrdinaryReplyIsRefused(_ text: String) {
        let bytes = Array(text.utf8)
        for step in bytes.count > 1_000 ? [bytes.count] : [1, bytes.count] {
            var scanner = ReplyScanner(limits: ReplyLimits(), at: 0)
            #expect(throws: ProtocolViolation.self, "in pieces of \(step)") {
                for end in stride(from: step, through: bytes.count, by: step) {
                    _ = try scanner.scan(bytes.span.extracting(first: end))
                }
            }
        }
    }

    @Test func anEndlessLineIsRefused() {
        let bytes = Array("+".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 100_000)
        var scanner = ReplyScanner(limits: ReplyLimits(), at: 0)
        #expect(throws: ProtocolViolation.self) { try scanner.scan(bytes.span) }
    }

    @Test func anOrdinaryReplyBeyondItsLimitIsRefused() {
        let limits = ReplyLimits(replyBytes: 1_000)
        var announced = ReplyScanner(limits: limits, at: 0)
        #expect(throws: ProtocolViolation.self) { try announced.scan(Array("$1001\r\n".utf8).span) }
        var grown = ReplyScanner(limits: limits, at: 0)
        let bytes = Array(("*500\r\n" + String(repeating: ":1\r\n", count: 400)).utf8)
        #expect(throws: ProtocolViolation.self) { try grown.scan(bytes.span) }
    }

    @Test func theViolationTellsThePlace() {
        let text = Self.entry + "*2\r\n$1\r\naxx"
        var parser = EntryParser(.streams)
        var block = EntryBlock()
        let bytes = Array(text.utf8)
        #expect(throws: ProtocolViolation("a string without its line end", offset: bytes.count - 2)) {
            try parser.parse(bytes.span, into: &block)
        }
    }

    /// Bytes drawn from RESP's own alphabet reach deep into the parser; whatever it says, it must return.
    @Test func randomRepliesNeverTrap() {
        var generator = SplitMix(state: 42)
        let alphabet = Array("*$:+-\r\n0123459a_".utf8)
        let seeds = [Self.entry + "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n:1\r\n$3\r\nabc\r\n"].map { Array($0.utf8) }
        for _ in 0..<20_000 {
            var bytes = seeds[Int(generator.next() % 2)]
            for _ in 0...(generator.next() % 3) {
                bytes[Int(generator.next() % UInt64(bytes.count))] =
                    alphabet[Int(generator.next() % UInt64(alphabet.count))]
            }
            var parser = EntryParser(.streams, limits: ReplyLimits(keptBytes: 1_024))
            var block = EntryBlock()
            _ = try? parser.parse(bytes.span, into: &block)
            var scanner = ReplyScanner(limits: ReplyLimits(), at: 0)
            _ = try? scanner.scan(bytes.span)
        }
    }
}

/// A small generator with a fixed seed: the same bytes in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
