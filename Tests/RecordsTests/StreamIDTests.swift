import Records
import Testing

struct StreamIDTests {
    @Test(arguments: ["0-0", "1-0", "1526919030474-55", "18446744073709551615-18446744073709551615"])
    func textSurvivesARoundTrip(text: String) throws {
        let id = try #require(StreamID(text))
        #expect(id.description == text)
        var bytes: [UInt8] = []
        id.append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == text)
        #expect(StreamID(uuid: id.uuidHex) == id)
    }

    @Test(arguments: ["", "-", "1-", "-1", "1-2-3", "a", "1-x", "+1-0", " 1-0", "18446744073709551616-0"])
    func refusesWhatIsNoID(text: String) {
        #expect(StreamID(text) == nil)
    }

    @Test func aMissingSequenceIsZero() {
        #expect(StreamID("17") == StreamID(milliseconds: 17, sequence: 0))
    }

    @Test func uuidOrderIsIDOrder() {
        let ids = [
            StreamID.min, StreamID(milliseconds: 0, sequence: .max), StreamID(milliseconds: 1, sequence: 0),
            StreamID(milliseconds: 255, sequence: 9), StreamID(milliseconds: 256, sequence: 0), .max,
        ]
        #expect(ids == ids.sorted())
        #expect(ids.map(\.uuidHex) == ids.map(\.uuidHex).sorted())
    }

    @Test func neighboursMeetAcrossTheMillisecond() {
        let last = StreamID(milliseconds: 4, sequence: .max)
        #expect(last.successor == StreamID(milliseconds: 5, sequence: 0))
        #expect(last.successor?.predecessor == last)
        #expect(StreamID.max.successor == nil)
        #expect(StreamID.min.predecessor == nil)
    }
}
