public import Records
public import RedisWire

/// A dead letter as its stream shows it: who it is, why, and the original fields.
public struct MirroredLetter: Sendable {
    public var source: SourceNumber
    public var stream: StreamKey
    public var id: StreamID
    public var cause: String
    public var table: String?
    public var sqlState: String?
    /// The original fields as RESP bytes; empty when the letter is kept by reference.
    public var payload: [UInt8]

    public init(
        source: SourceNumber, stream: StreamKey, id: StreamID, cause: String, table: String? = nil,
        sqlState: String? = nil, payload: [UInt8]
    ) {
        self.source = source
        self.stream = stream
        self.id = id
        self.cause = cause
        self.table = table
        self.sqlState = sqlState
        self.payload = payload
    }
}

/// Copies dead letters from the table into the group's dead-letter stream, for any Redis client to watch.
///
/// The table is the truth. A letter may come twice here: watchers tell by `source` and `id`.
public struct DeadLetterMirror: Sendable {
    /// Above this many bytes a letter's payload stays in the table, and the mirror says `payload_bytes` alone.
    public static let payloadLimitBytes = 64 << 10

    /// Letters sent in one pipeline.
    private static let lettersAtOnce = 500

    private let stream: StreamKey
    private let maximumLength: Int

    public init(group: String, maximumLength: Int = 100_000) {
        stream = ControlKeys(group: group).deadLetters
        self.maximumLength = maximumLength
    }

    /// Adds the letters, 500 in a pipeline.
    /// - Returns: one result for each: only a letter with a success may be marked as mirrored.
    /// - Throws: ``RedisError`` of transport; letters sent before may have been added.
    public func add(
        _ letters: [MirroredLetter], on connection: RedisConnection
    ) throws(RedisError) -> [Result<StreamID, ServerError>] {
        var publisher = StreamPublisher(maximumLength: maximumLength)
        var results: [Result<StreamID, ServerError>] = []
        for letter in letters {
            publisher.append(to: stream, fields: Self.fields(letter))
            if publisher.count == Self.lettersAtOnce { results += try publisher.flush(on: connection) }
        }
        return try results + publisher.flush(on: connection)
    }

    private static func fields(_ letter: MirroredLetter) -> [StreamPublisher.Field] {
        func text(_ name: String, _ value: String) -> StreamPublisher.Field { (Array(name.utf8), Array(value.utf8)) }
        var fields = [
            text("source", letter.source.description), (Array("stream".utf8), letter.stream.bytes),
            text("id", letter.id.description), text("cause", letter.cause),
        ]
        if let table = letter.table { fields.append(text("table", table)) }
        if let state = letter.sqlState { fields.append(text("sqlstate", state)) }
        fields.append(text("payload_bytes", String(letter.payload.count)))
        if !letter.payload.isEmpty, letter.payload.count <= payloadLimitBytes {
            fields.append((Array("payload".utf8), letter.payload))
        }
        return fields
    }
}
