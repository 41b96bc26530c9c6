import Records
public import RedisWire

/// The right to use one slot of a worker's name, so that two workers of one name do not share consumers.
///
/// A key with a lifetime and the owner's token; renewed every second. No scripts: the change of an existing lease is
/// guarded by WATCH.
public struct SlotLease: Equatable, Sendable {
    public static let lifetime = Duration.seconds(5)
    /// Slots that are tried before giving up.
    public static let slots = 1_000

    public let number: Int
    private let key: StreamKey
    private let token: String

    /// Takes the lowest free slot of this worker's name.
    /// - Parameter token: unique to this process.
    /// - Returns: `nil` when all slots are taken.
    /// - Throws: ``RedisError``.
    public static func acquire(
        group: String, worker: String, token: String, on connection: RedisConnection
    ) throws(RedisError) -> SlotLease? {
        for number in 0..<slots {
            let key = ControlKeys(group: group).slot(worker: worker, number: number)
            let reply = try connection.command(
                "SET", .key(key), .text(token), "NX", "PX", .integer(lifetime.wholeMilliseconds))
            if !reply.isNull { return SlotLease(number: number, key: key, token: token) }
        }
        return nil
    }

    /// Renews the lease; takes it again when it ran out and nobody else has it.
    /// - Returns: `false` when another worker has it: use the next slot.
    public func renew(on connection: RedisConnection) throws(RedisError) -> Bool {
        try change(on: connection, lifetime: Self.lifetime)
    }

    /// Gives the slot back, if it is still ours.
    public func release(on connection: RedisConnection) throws(RedisError) {
        _ = try change(on: connection, lifetime: .milliseconds(1))
    }

    private func change(on connection: RedisConnection, lifetime: Duration) throws(RedisError) -> Bool {
        var look = CommandBuffer()
        look.append("WATCH", .key(key))
        look.append("GET", .key(key))
        let seen = try connection.pipeline(look)[1].checked()
        guard seen.isNull || seen.text == token else {
            try connection.command("UNWATCH")
            return false
        }
        var write = CommandBuffer()
        write.append("MULTI")
        write.append("SET", .key(key), .text(token), "PX", .integer(lifetime.wholeMilliseconds))
        write.append("EXEC")
        let replies = try connection.pipeline(write)
        for reply in replies { _ = try reply.checked() }
        return !replies[2].isNull
    }
}
