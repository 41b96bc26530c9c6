import Records

/// All that `stream inspect` tells.
struct StreamDetails: Encodable {
    struct Consumer: Encodable {
        var name: String
        var pending: Int
        var idleMilliseconds: Int64?

        private enum CodingKeys: String, CodingKey {
            case name, pending
            case idleMilliseconds = "idle_ms"
        }
    }

    struct Group: Encodable {
        var name: String
        var lastDelivered: String
        var pending: Int
        var lag: Int?
        var consumers: [Consumer]

        private enum CodingKeys: String, CodingKey {
            case name, pending, lag, consumers
            case lastDelivered = "last_delivered"
        }
    }

    var report: StreamReport
    var groups: [Group]
    var newest: [EntryPreview]

    private enum CodingKeys: String, CodingKey {
        case stream, groups, newest
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(report, forKey: .stream)
        try container.encode(groups, forKey: .groups)
        try container.encode(newest, forKey: .newest)
    }

    func print(now: Int) {
        Output.print("stream         \(SafeText.escape(report.key.bytes))")
        Output.print("length         \(Figures.count(report.length))")
        Output.print("entries added  \(Figures.count(report.entriesAdded.map { Int64($0) }))")
        Output.print("first id       \(report.firstID?.description ?? "-")")
        Output.print("last id        \(report.lastID?.description ?? "-")")
        if let pause = report.pauseText(now: now) { Output.print("paused         \(SafeText.escape(pause))") }
        printGroups()
        for entry in newest {
            Output.print("\n\(entry.id)")
            for field in entry.fields {
                let rest = field.isCut ? "… (\(Figures.count(field.valueBytes)) bytes)" : ""
                Output.print("  \(SafeText.escape(field.name)) = \(SafeText.escape(field.value))\(rest)")
            }
        }
    }

    private func printGroups() {
        guard !groups.isEmpty else { return Output.print("\nno consumer group reads it yet") }
        var table = Table([
            .init("GROUP"), .init("CONSUMER"), .init("DELIVERED"), .init("LAG", number: true),
            .init("PENDING", number: true), .init("IDLE", number: true),
        ])
        for group in groups {
            let lag = Figures.count(group.lag.map { Int64($0) })
            table.add([group.name, "", group.lastDelivered, lag, Figures.count(group.pending), ""])
            for consumer in group.consumers {
                let idle = consumer.idleMilliseconds.map { Figures.age(.milliseconds($0)) } ?? "-"
                table.add([group.name, consumer.name, "", "", Figures.count(consumer.pending), idle])
            }
        }
        Output.print("")
        table.print()
    }
}
