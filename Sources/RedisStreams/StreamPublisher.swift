public import Records
public import RedisWire

/// Collects XADDs and sends them in one pipeline.
public struct StreamPublisher: Sendable {
    /// A name and a value.
    public typealias Field = (name: [UInt8], value: [UInt8])

    /// Cuts the stream to about so many entries with each XADD; `nil` never does.
    public var maximumLength: Int?
    private var commands = CommandBuffer()

    public init(maximumLength: Int? = nil) {
        self.maximumLength = maximumLength
    }

    /// Entries that are not sent yet.
    public var count: Int { commands.commandCount }
    public var byteCount: Int { commands.bytes.count }

    /// Adds an entry.
    /// - Parameters:
    ///   - id: `nil` lets the server choose.
    ///   - fields: at least one.
    public mutating func append(to stream: StreamKey, id: StreamID? = nil, fields: [Field]) {
        commands.begin(argumentCount: 3 + (maximumLength == nil ? 0 : 3) + 2 * fields.count)
        commands.write("XADD")
        commands.write(stream.bytes)
        if let maximumLength {
            commands.write("MAXLEN")
            commands.write("~")
            commands.write(.integer(maximumLength))
        }
        if let id { commands.write(id) } else { commands.write("*") }
        for field in fields {
            commands.write(field.name)
            commands.write(field.value)
        }
    }

    public mutating func append(to stream: StreamKey, id: StreamID? = nil, fields: [(String, String)]) {
        append(to: stream, id: id, fields: fields.map { (Array($0.0.utf8), Array($0.1.utf8)) })
    }

    /// Sends what was added and waits for all replies.
    /// - Returns: for each entry, in order, its id or why the server refused it (`OOM`, an id that is too low).
    /// - Throws: ``RedisError`` of transport; then nobody knows which entries were added, and they are forgotten here.
    public mutating func flush(
        on connection: RedisConnection, timeout: Duration? = nil
    ) throws(RedisError) -> [Result<StreamID, ServerError>] {
        defer { commands.removeAll() }
        guard !commands.isEmpty else { return [] }
        var results: [Result<StreamID, ServerError>] = []
        for reply in try connection.pipeline(commands, timeout: timeout) {
            if let error = reply.error {
                results.append(.failure(error))
            } else {
                results.append(.success(try reply.id(of: "XADD")))
            }
        }
        return results
    }
}
