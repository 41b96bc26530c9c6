import MarketSimulator
import Records
import RedisWire

/// An entry as bytes: what is sent to Redis, and the RESP bytes that a dead letter must keep of it.
struct RawEntry: Sendable {
    typealias Field = (name: [UInt8], value: [UInt8])

    var stream: [UInt8]
    var fields: [Field]

    init(_ stream: String, _ fields: [Field]) {
        self.stream = Array(stream.utf8)
        self.fields = fields
    }

    init(_ stream: String, _ fields: KeyValuePairs<String, String>) {
        self.init(stream, fields.map { (Array($0.key.utf8), Array($0.value.utf8)) })
    }

    init(_ entry: SimulatedEntry) {
        stream = entry.stream.bytes
        fields = (0..<entry.pairCount).map { pair in
            (
                entry.name(pair).withUnsafeBufferPointer(Array.init),
                entry.value(pair).withUnsafeBufferPointer(Array.init)
            )
        }
    }

    /// A trade that the built-in configuration stores.
    static func trade(_ id: String, price: String = "65432.10") -> RawEntry {
        RawEntry(
            "md:trades",
            [
                "time": "1735689600.25", "exchange": "KRAKEN", "symbol": "BTC-USDT", "trade_id": id, "price": price,
                "amount": "0.5", "side": "buy",
            ])
    }

    /// A book that the built-in configuration stores; `number` tells it from others.
    static func book(_ number: Int, kind: String = "snapshot", exchange: String = "KRAKEN") -> RawEntry {
        RawEntry(
            "md:orderbook",
            [
                "time": "1735689600.25", "exchange": exchange, "symbol": "BTC-USDT", "kind": kind,
                "bids": #"[["1.5","2"]]"#, "asks": "[]", "timestamp_ms": "\(number)",
            ])
    }

    func replacing(_ name: String, with value: [UInt8]) -> RawEntry {
        var copy = self
        copy.fields = fields.map { $0.name == Array(name.utf8) ? ($0.name, value) : $0 }
        return copy
    }

    func adding(_ more: [Field]) -> RawEntry {
        var copy = self
        copy.fields += more
        return copy
    }

    func without(_ name: String) -> RawEntry {
        var copy = self
        copy.fields.removeAll { $0.name == Array(name.utf8) }
        return copy
    }

    /// `*4\r\n$5\r\nprice\r\n…`
    var resp: [UInt8] {
        var bytes = Array("*\(2 * fields.count)\r\n".utf8)
        for field in fields {
            for part in [field.name, field.value] {
                bytes += "$\(part.count)\r\n".utf8
                bytes += part
                bytes += "\r\n".utf8
            }
        }
        return bytes
    }
}

extension Scene {
    /// Adds entries in order; gives their ids.
    @discardableResult
    func add(_ entries: [RawEntry]) throws -> [String] {
        let redis = try onRedis()
        var ids: [String] = []
        var start = 0
        while start < entries.count {
            var commands = CommandBuffer()
            while start + commands.commandCount < entries.count, commands.commandCount < 200,
                commands.bytes.count < 1 << 20
            {
                let entry = entries[start + commands.commandCount]
                let words = entry.fields.flatMap { [RedisArgument.bytes($0.name), .bytes($0.value)] }
                commands.append(["XADD", .bytes(entry.stream), "*"] + words)
            }
            for reply in try redis.pipeline(commands) {
                if let error = reply.error { throw RedisError.server(error) }
                ids.append(reply.text ?? "")
            }
            start = ids.count
        }
        return ids
    }
}
