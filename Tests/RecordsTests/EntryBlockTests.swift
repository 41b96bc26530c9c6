import Records
import Testing

struct EntryBlockTests {
    /// A block over `bytes` with one stream and the given name-value slices as its only entry.
    private func block(_ text: String, _ slices: [(Int, Int)]) -> EntryBlock {
        var block = EntryBlock()
        block.beginStream(StreamKey("s"))
        block.beginEntry(StreamID(milliseconds: 7, sequence: 1))
        for (offset, length) in slices { block.appendSlice(offset: offset, length: length) }
        block.endEntry(raw: .init(offset: 0, length: text.utf8.count))
        block.endStream()
        block.adopt(bytes: Array(text.utf8) + [UInt8](repeating: 0, count: EntryBlock.slack))
        return block
    }

    @Test func fieldsAreReadWhereTheyLie() {
        let block = block("price1.5", [(0, 5), (5, 3)])
        let entry = block.entry(0)
        #expect(entry.pairCount == 1)
        #expect(String(decoding: entry.name(0).withUnsafeBufferPointer(Array.init), as: UTF8.self) == "price")
        #expect(String(decoding: entry.value(0).withUnsafeBufferPointer(Array.init), as: UTF8.self) == "1.5")
        #expect(entry.rawFields.count == 8)
        #expect(block.streams.first?.entries == 0..<1)
    }

    @Test func aCancelledEntryLeavesNoTrace() {
        var block = EntryBlock()
        block.beginStream(StreamKey("s"))
        block.beginEntry(StreamID(milliseconds: 1, sequence: 0))
        block.appendSlice(offset: 0, length: 1)
        block.cancelEntry()
        block.beginEntry(StreamID(milliseconds: 2, sequence: 0))
        block.endEntry(raw: .init(offset: 0, length: 0), body: .deleted)
        block.endStream()
        #expect(block.count == 1)
        #expect(block.id(0).milliseconds == 2)
        #expect(block.entry(0).pairCount == 0)
    }

    @Test func aRecycledBlockKeepsItsBuffer() {
        var block = block("ab", [(0, 1), (1, 1)])
        let buffer = block.recycle()
        #expect(buffer.count == 2 + EntryBlock.slack)
        #expect(block.isEmpty && block.streams.isEmpty)
    }

    /// What was read past counts, wherever it stands: it is what made the reply large.
    @Test func bytesOfEntriesThatWereReadPastCount() {
        var block = EntryBlock()
        block.beginStream(StreamKey("s"))
        let bodies: [EntryBlock.Body] = [.kept, .deleted, .kept, .skipped(byteCount: 9_000)]
        for (number, body) in bodies.enumerated() {
            block.beginEntry(StreamID(milliseconds: UInt64(number), sequence: 0))
            block.endEntry(raw: .init(offset: 0, length: body == .kept ? 100 : 0), body: body)
        }
        block.endStream()
        #expect(block.byteCount(of: 0..<4) == 9_200)
        #expect(block.byteCount(of: 1..<3) == 100)
    }
}
