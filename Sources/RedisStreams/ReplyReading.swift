import Records
import RedisWire

/// A reply of a shape that the command does not have.
func unexpected(_ command: String) -> RedisError {
    .protocolViolation(ProtocolViolation("an unexpected reply to \(command)", offset: 0))
}

extension RedisValue {
    func integer(of command: String) throws(RedisError) -> Int {
        guard let integer else { throw unexpected(command) }
        return Int(integer)
    }

    /// A figure that anybody may have written into Redis: cut to what can be added up and subtracted without overflow.
    /// As milliseconds it reaches to the year 10889.
    var figure: Int? {
        integer.map { Int(min(max($0, 0), 1 << 48)) }
    }

    func array(of command: String) throws(RedisError) -> [RedisValue] {
        guard let array else { throw unexpected(command) }
        return array
    }

    func text(of command: String) throws(RedisError) -> String {
        guard let text else { throw unexpected(command) }
        return text
    }

    func id(of command: String) throws(RedisError) -> StreamID {
        guard let id = bytes.flatMap({ StreamID(ascii: $0.span) }) else { throw unexpected(command) }
        return id
    }

    func ids(of command: String) throws(RedisError) -> [StreamID] {
        var ids: [StreamID] = []
        // 6.2 answers nil for an entry that is gone.
        for element in try array(of: command) where !element.isNull { ids.append(try element.id(of: command)) }
        return ids
    }

    /// The value, or the server's refusal.
    func checked() throws(RedisError) -> RedisValue {
        if let error { throw .server(error) }
        return self
    }
}

/// Names and values as XINFO answers them: unknown ones are ignored, missing ones are `nil`.
struct ReplyFields {
    private var values: [String: RedisValue] = [:]

    init(_ reply: RedisValue, of command: String) throws(RedisError) {
        let elements = try reply.array(of: command)
        guard elements.count.isMultiple(of: 2) else { throw unexpected(command) }
        for index in stride(from: 0, to: elements.count, by: 2) {
            guard let name = elements[index].text else { throw unexpected(command) }
            values[name] = elements[index + 1]
        }
    }

    func integer(_ name: String) -> Int? { values[name]?.integer.map { Int($0) } }
    /// One that commands such as XSETID and XGROUP SETID set.
    func figure(_ name: String) -> Int? { values[name]?.figure }
    func text(_ name: String) -> String? { values[name]?.text }
    func id(_ name: String) -> StreamID? { values[name]?.bytes.flatMap { StreamID(ascii: $0.span) } }

    /// The id of an entry that the reply shows whole.
    func entryID(_ name: String) -> StreamID? {
        values[name]?.array?.first?.bytes.flatMap { StreamID(ascii: $0.span) }
    }
}
