public import Records
public import RedisWire

/// How the removal of a consumer ended.
public enum ConsumerRemoval: Equatable, Sendable {
    case removed
    /// Neither the group nor the consumer is there.
    case absent
    /// It holds so many entries; nothing was changed.
    case pending(Int)
    /// The stream changed at every try; nothing was changed.
    case busy
    /// It was given so many entries while it was being removed: they were read and are pending no more.
    case removedWith(pending: Int)
}

extension RedisConnection {
    /// Takes a consumer that holds nothing out of a group: XGROUP DELCONSUMER would drop what it holds.
    ///
    /// The look and the removal are one transaction (WATCH, XINFO, MULTI), tried anew when the stream changed meanwhile.
    /// Make sure before that nobody reads in the consumer's name.
    /// - Parameter tries: at most so many; each is two round trips.
    /// - Throws: ``RedisError``. Markers (`epoch:*`) are refused as ``ConsumerRemoval/absent``.
    public func removeConsumer(
        _ consumer: String, from group: String, of stream: StreamKey, tries: Int = 200
    ) throws(RedisError) -> ConsumerRemoval {
        guard IncarnationMarker(consumerName: consumer) == nil, !consumer.hasPrefix("epoch:") else { return .absent }
        for _ in 0..<max(1, tries) {
            guard let pending = try watchedPending(of: consumer, group, stream) else {
                try command("UNWATCH")
                return .absent
            }
            guard pending == 0 else {
                try command("UNWATCH")
                return .pending(pending)
            }
            var remove = CommandBuffer()
            remove.append("MULTI")
            remove.append("XGROUP", "DELCONSUMER", .key(stream), .text(group), .text(consumer))
            remove.append("EXEC")
            let replies = try pipeline(remove)
            for reply in replies { _ = try reply.checked() }
            guard let results = replies[2].array else { continue }
            let dropped = try (results.first ?? .null).checked().integer(of: "XGROUP DELCONSUMER")
            return dropped == 0 ? .removed : .removedWith(pending: dropped)
        }
        return .busy
    }

    /// `nil` when there is no such consumer.
    private func watchedPending(
        of consumer: String, _ group: String, _ stream: StreamKey
    ) throws(RedisError) -> Int? {
        var look = CommandBuffer()
        look.append("WATCH", .key(stream))
        look.append("XINFO", "CONSUMERS", .key(stream), .text(group))
        let replies = try pipeline(look)
        _ = try replies[0].checked()
        if let error = replies[1].error {
            if error.isMissingGroup || error.message.hasPrefix("no such key") { return nil }
            throw .server(error)
        }
        for element in try replies[1].array(of: "XINFO CONSUMERS") {
            let facts = try ConsumerFacts(element)
            if facts.name == consumer { return facts.pending }
        }
        return nil
    }
}
