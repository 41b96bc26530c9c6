import PostgresWire
public import Records

/// An entry that could not be stored, on its way into `ingest.dead_letter`.
public struct DeadLetter: Equatable, Sendable {
    /// What is kept of the entry's fields.
    public enum Content: Equatable, Sendable {
        /// The fields as RESP bytes, exactly as they came.
        case fields([UInt8])
        /// Nothing: too large to copy. The stream has them as long as it is not trimmed.
        case reference(byteCount: Int)
    }

    public var source: SourceNumber
    public var id: StreamID
    public var stream: StreamKey
    public var content: Content
    public var rejection: Rejection
    /// The mapping's name in the configuration.
    public var mapping: String?
    public var constraint: String?
    /// The server's words. They may quote the record; shown to operators only.
    public var detail: String?
    /// The batch's row in `ingest.batch`.
    public var batch: HexUUID?
    /// When the retry lane tries it; `nil` waits for an operator.
    public var retryAfter: Duration?

    public init(
        source: SourceNumber, id: StreamID, stream: StreamKey, content: Content, rejection: Rejection,
        mapping: String? = nil, retryAfter: Duration? = nil
    ) {
        self.source = source
        self.id = id
        self.stream = stream
        self.content = content
        self.rejection = rejection
        self.mapping = mapping
        self.retryAfter = retryAfter
    }

    /// The same letter, with the batch it was found in.
    public func found(in batch: HexUUID) -> DeadLetter {
        var letter = self
        letter.batch = batch
        return letter
    }

    /// The letter with the batch of its transaction, unless it names one already.
    func found(in batch: HexUUID?) -> DeadLetter {
        guard self.batch == nil else { return self }
        var letter = self
        letter.batch = batch
        return letter
    }

    /// Fields above this size are kept in parts of this size.
    public static let partBytes = 1 << 20

    /// Size of the fields, wherever they are kept.
    public var byteCount: Int {
        switch content {
        case .fields(let bytes): bytes.count
        case .reference(let byteCount): byteCount
        }
    }

    /// Bytes that count towards ``CommitUnit/letterBytesLimit``: what travels inside the query string.
    public var inlineBytes: Int { inlineFields.count + (detail?.utf8.count ?? 0) }

    /// The same for letters that need the same remedy: code, table, column, constraint and reason.
    public var fingerprint: String { Self.fingerprint(rejection, constraint: constraint) }

    static func fingerprint(_ rejection: Rejection, constraint: String?) -> String {
        var hash = StableHash()
        for part in [rejection.sqlState, rejection.table, rejection.column, constraint, rejection.reason.rawValue] {
            hash.combine(part ?? "")
        }
        return hash.hex
    }

    var inlineFields: ArraySlice<UInt8> {
        switch content {
        case .fields(let bytes) where bytes.count <= Self.partBytes: bytes[...]
        case .fields, .reference: []
        }
    }

    /// The fields of a large letter, cut.
    var parts: [ArraySlice<UInt8>] {
        guard case .fields(let bytes) = content, bytes.count > Self.partBytes else { return [] }
        return stride(from: 0, to: bytes.count, by: Self.partBytes).map { start in
            bytes[start..<min(start + Self.partBytes, bytes.count)]
        }
    }
}
