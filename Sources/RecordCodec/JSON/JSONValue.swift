import Records

extension ValueEncoder {
    /// `jsonb` and `json`: the text as it is, once it is known to be JSON that the server takes.
    func encodeJSON(_ text: ByteText, binary: Bool, into out: inout CopyBuffer) -> Rejection.Reason? {
        var cursor = JSONCursor(text)
        if let reason = cursor.document(maxDepth: limits.maxJSONDepth) { return reason }
        if cursor.hasNulEscape { return .nulByte }
        out.append32(Int32(truncatingIfNeeded: text.count + (binary ? 1 : 0)))
        // The version of jsonb's binary form.
        if binary { out.append8(1) }
        out.append(text)
        return nil
    }
}
