import ArgumentParser
import Records
import RedisStreams
import RedisWire
import Settings

struct WorkerList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the workers of the group: slots, lanes, heartbeats, and what they hold.",
        discussion: """
            A worker that stopped in order says goodbye and is not listed. One that died is listed as silent for a day, \
            or until its consumers are removed.

            EXAMPLES
              millrace worker ls
              millrace worker ls --json
            """)

    fileprivate struct Line: Encodable {
        var worker: String
        var slot: Int
        var state: GroupConsumers.State
        var lanes: Int
        var lanesAlive: Int
        var heartbeatMilliseconds: Int64?
        /// Until the slot is free for another process; `nil` when nobody has it.
        var leaseMilliseconds: Int64?
        var streams: Int
        var pending: Int

        private enum CodingKeys: String, CodingKey {
            case worker, slot, state, lanes, streams, pending
            case lanesAlive = "lanes_alive"
            case heartbeatMilliseconds = "heartbeat_age_ms"
            case leaseMilliseconds = "lease_ms"
        }
    }

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try source.load()
        let group = loaded.settings.consumerGroup
        let connection = try Servers(loaded).redis()
        let streams = try StreamSelection.configured(loaded.settings, on: connection)
        let consumers = try GroupConsumers(of: streams, group: group, on: connection).all
        let lines = try Self.lines(consumers.filter { $0.silence != nil }, group, connection)
        if output.isJSON {
            for line in lines { try Output.json(line) }
            return
        }
        guard !lines.isEmpty else { return Output.print("no workers") }
        var table = Table([
            .init("WORKER"), .init("SLOT", number: true), .init("STATE"), .init("LANES", number: true),
            .init("ALIVE", number: true), .init("HEARTBEAT", number: true), .init("LEASE", number: true),
            .init("STREAMS", number: true), .init("PENDING", number: true),
        ])
        for line in lines {
            table.add([
                line.worker, String(line.slot), line.state.rawValue, String(line.lanes), String(line.lanesAlive),
                line.heartbeatMilliseconds.map { Figures.age(.milliseconds($0)) } ?? "-",
                line.leaseMilliseconds.map { Figures.age(.milliseconds($0)) } ?? "-", String(line.streams),
                Figures.count(line.pending),
            ])
        }
        table.print()
    }

    private static func lines(
        _ consumers: [GroupConsumers.Consumer], _ group: String, _ connection: RedisConnection
    ) throws(RedisError) -> [Line] {
        var lines: [Line] = []
        for consumer in consumers {
            guard let lane = LaneName(consumer.name) else { continue }
            let index: Int
            if let known = lines.firstIndex(where: { $0.worker == lane.worker && $0.slot == lane.slot }) {
                index = known
            } else {
                let key = ControlKeys(group: group).slot(worker: lane.worker, number: lane.slot)
                let left = try connection.command("PTTL", .key(key)).integer ?? -2
                lines.append(
                    Line(
                        worker: lane.worker, slot: lane.slot, state: .silent, lanes: 0, lanesAlive: 0,
                        heartbeatMilliseconds: nil, leaseMilliseconds: left < 0 ? nil : left, streams: 0, pending: 0))
                index = lines.count - 1
            }
            lines[index].add(consumer)
        }
        return lines
    }
}

extension WorkerList.Line {
    fileprivate mutating func add(_ consumer: GroupConsumers.Consumer) {
        lanes += 1
        if consumer.state == .alive {
            lanesAlive += 1
            state = .alive
        }
        let age = consumer.silence?.milliseconds
        heartbeatMilliseconds = [heartbeatMilliseconds, age].compactMap(\.self).min()
        streams = max(streams, consumer.streams)
        pending += consumer.pending
    }
}

/// `<worker>.<slot>.<lane>`, as ``ConsumerNames/lane(worker:slot:lane:)`` makes it.
struct LaneName: Equatable {
    let worker: String
    let slot: Int
    let lane: Int

    init?(_ consumer: String) {
        let parts = consumer.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3, let lane = Int(parts[parts.count - 1]), let slot = Int(parts[parts.count - 2]) else {
            return nil
        }
        worker = parts.dropLast(2).joined(separator: ".")
        self.slot = slot
        self.lane = lane
    }
}
