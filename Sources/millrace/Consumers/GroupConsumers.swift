import IngestCore
import Records
import RedisStreams
import RedisWire

/// The consumers of a group over all its streams, and what is known of the lanes behind them.
struct GroupConsumers {
    enum State: String, Encodable {
        /// A lane that said so within 5 s.
        case alive
        /// A lane that says nothing: what it holds is claimed.
        case silent
        /// No lane of that name was ever heard of, or a day ago.
        case unknown
        /// Holds what workers handed back; anybody takes it.
        case released
    }

    struct Consumer {
        var name: String
        var state: State
        /// Since its last heartbeat.
        var silence: Duration?
        var streams = 0
        var pending = 0
        /// Since it last asked for anything in any stream.
        var idle: Duration?

        /// Holds entries that others may take, as workers judge it.
        var isDead: Bool {
            guard pending > 0 else { return false }
            switch state {
            case .alive, .released: return false
            case .silent: return true
            case .unknown: return (idle ?? .zero) >= TimeTable.claimAfter
            }
        }
    }

    /// By name.
    private(set) var all: [Consumer] = []

    init(of streams: [StreamKey], group: String, on connection: RedisConnection) throws(RedisError) {
        let seen = try connection.heartbeats(group: group)
        let now = try connection.serverMilliseconds()
        let accounts = try connection.accounts(of: streams, group: group)
        var found: [String: Consumer] = [:]
        // A lane that has read nothing yet is no consumer of any stream, and lives all the same.
        for name in seen.keys { found[name] = Self.make(name, seen, now) }
        for account in accounts.values {
            for facts in account.consumers {
                var consumer = found[facts.name] ?? Self.make(facts.name, seen, now)
                consumer.streams += 1
                consumer.pending += facts.pending
                consumer.idle = [consumer.idle, facts.idle].compactMap(\.self).min()
                found[facts.name] = consumer
            }
        }
        all = found.values.sorted { $0.name < $1.name }
    }

    private static func make(_ name: String, _ seen: [String: Int], _ now: Int) -> Consumer {
        if name == ConsumerNames.released { return Consumer(name: name, state: .released) }
        guard let last = seen[name] else { return Consumer(name: name, state: .unknown) }
        let silence = Duration.milliseconds(max(0, now - last))
        return Consumer(name: name, state: silence < TimeTable.silentAfter ? .alive : .silent, silence: silence)
    }
}
