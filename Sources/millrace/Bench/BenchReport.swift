/// What `bench` measured.
struct BenchReport: Encodable {
    struct Worker: Encodable {
        var rowsPerSecond: Double
        var cpuMicrosecondsPerRow: Double
        var peakMemoryBytes: Int
        var batches: Int
    }

    struct Round: Encodable {
        var worker: Worker
        var psqlRowsPerSecond: Double
        var ratio: Double { worker.rowsPerSecond / psqlRowsPerSecond }
    }

    var rows: Int
    var lanes: Int
    var postgres: String
    var rounds: [Round] = []
    /// The median of the rounds' ratios.
    var medianRatio: Double { Self.median(rounds.map(\.ratio)) }
    var medianCPU: Double { Self.median(rounds.map(\.worker.cpuMicrosecondsPerRow)) }
    var peakMemoryBytes: Int { rounds.map(\.worker.peakMemoryBytes).max() ?? 0 }

    enum CodingKeys: String, CodingKey {
        case rows, lanes, postgres, rounds, medianRatio, medianCPU, peakMemoryBytes
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rows, forKey: .rows)
        try container.encode(lanes, forKey: .lanes)
        try container.encode(postgres, forKey: .postgres)
        try container.encode(rounds, forKey: .rounds)
        try container.encode(medianRatio, forKey: .medianRatio)
        try container.encode(medianCPU, forKey: .medianCPU)
        try container.encode(peakMemoryBytes, forKey: .peakMemoryBytes)
    }

    func print() {
        var table = Table([
            .init("ROUND"), .init("WORKER ROWS/S", number: true), .init("PSQL ROWS/S", number: true),
            .init("RATIO", number: true), .init("WORKER CPU US/ROW", number: true), .init("PEAK MB", number: true),
        ])
        for (index, round) in rounds.enumerated() {
            table.add([
                "\(index + 1)", "\(Int(round.worker.rowsPerSecond))", "\(Int(round.psqlRowsPerSecond))",
                Self.two(round.ratio), Self.two(round.worker.cpuMicrosecondsPerRow),
                "\(round.worker.peakMemoryBytes >> 20)",
            ])
        }
        table.add(["median", "", "", Self.two(medianRatio), Self.two(medianCPU), "\(peakMemoryBytes >> 20)"])
        table.print()
        Output.print("\(rows) rows, \(lanes) lanes, \(postgres)")
    }

    static func two(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}
