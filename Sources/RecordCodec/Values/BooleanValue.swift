import Records

/// `boolean`: the words PostgreSQL knows, in any case.
enum BooleanValue {
    static func encode(_ text: ByteText, into out: inout CopyBuffer) -> Rejection.Reason? {
        guard let value = read(text) else { return .invalidBoolean }
        out.append32(1)
        out.append8(value ? 1 : 0)
        return nil
    }

    private static func read(_ text: ByteText) -> Bool? {
        if text.isWord("true") || text.isWord("t") { return true }
        if text.isWord("false") || text.isWord("f") { return false }
        if text.count == 1, text[0] == UInt8(ascii: "1") { return true }
        if text.count == 1, text[0] == UInt8(ascii: "0") { return false }
        if text.isWord("yes") || text.isWord("y") || text.isWord("on") { return true }
        if text.isWord("no") || text.isWord("n") || text.isWord("off") { return false }
        return nil
    }
}
