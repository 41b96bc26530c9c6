import Records
import RedisWire
import Testing

struct CommandBufferTests {
    @Test func argumentsAreWrittenWithTheirLengths() {
        var buffer = CommandBuffer()
        buffer.append(
            "SET", .bytes([0xFF, 0x00]), .integer(-12), .text("ü"), .id(StreamID(milliseconds: 7, sequence: 0)))
        let expected =
            Array("*5\r\n$3\r\nSET\r\n$2\r\n".utf8) + [0xFF, 0x00]
            + Array("\r\n$3\r\n-12\r\n$2\r\nü\r\n$3\r\n7-0\r\n".utf8)
        #expect(buffer.bytes == expected)
        #expect(buffer.commandCount == 1)
    }

    @Test(arguments: [
        0, 1, 9, 10, 99, 100, 12_345, 99_999_999, 100_000_000, 100_000_001, 1_630_921_200_123, 9_999_999_999_999_999,
        10_000_000_000_000_000, UInt64.max, UInt64.max / 10, 10_000_000_000_000_000_000,
    ])
    func idsOfAnySizeAreWritten(_ value: UInt64) {
        let id = StreamID(milliseconds: value, sequence: value)
        var buffer = CommandBuffer()
        buffer.begin(argumentCount: 1)
        buffer.write(id)
        #expect(buffer.bytes.text == "*1\r\n$\(id.description.utf8.count)\r\n\(id)\r\n")
    }

    @Test(arguments: [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (2_500, 3)])
    func acknowledgementsAreCutIntoChunks(_ ids: Int, _ commands: Int) {
        let list = (0..<ids).map { StreamID(milliseconds: 5, sequence: UInt64($0)) }
        var buffer = CommandBuffer()
        buffer.appendAcknowledge(stream: StreamKey("s"), group: "g", ids: list)
        #expect(buffer.commandCount == commands)
        var slow = CommandBuffer()
        for start in stride(from: 0, to: ids, by: 1_000) {
            let some = list[start..<min(start + 1_000, ids)]
            slow.append(["XACK", "s", "g"] + some.map { .id($0) })
        }
        #expect(buffer.bytes == slow.bytes)
    }

    @Test func buffersAreJoined() {
        var first = CommandBuffer()
        first.append("PING")
        var second = CommandBuffer()
        second.append("TIME")
        second.append("GET", "k")
        first.append(contentsOf: second)
        #expect(first.commandCount == 3)
        #expect(first.bytes.text == "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nTIME\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
        first.removeAll()
        #expect(first.isEmpty && first.commandCount == 0)
    }
}

/// Every group of digits passes through the same arithmetic; a stride that shares no factor with ten meets them all.
@Test func idsOfManySizesAreWritten() {
    for step in 0..<20_000 as Range<UInt64> {
        let id = StreamID(milliseconds: step &* 982_451_653_000_017, sequence: step &* 48_611)
        var buffer = CommandBuffer()
        buffer.write(id)
        #expect(buffer.bytes.text == "$\(id.description.utf8.count)\r\n\(id)\r\n")
    }
}
