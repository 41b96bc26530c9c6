import Foundation
import Glibc
import LocalServices
import RedisWire

/// A worker and `psql \copy` in turn, over the same rows.
struct ThroughputBench {
    private static let columns = "time, exchange, symbol, trade_id, price, amount, side, type, taker_or_maker"

    let services: LocalServices
    let rows: Int
    let lanes: Int
    let isSilent: Bool

    private var ground: BenchGround { BenchGround(services: services, name: "bench") }
    private var csv: String { services.directory + "/rows.csv" }

    func run(rounds: Int) async throws -> BenchReport {
        try await ground.prepare()
        tell("publishing \(rows) trades")
        try await ground.millrace(["generate", "trades", "--publish", "--count", "\(rows)", "--seed", "1"])
        // The first drain warms everything up, and its rows are what psql copies.
        _ = try await drain()
        try await shell("psql -qc '\\copy (SELECT \(Self.columns) FROM market_data_trades) TO \(csv) CSV'")
        var report = BenchReport(rows: rows, lanes: lanes, postgres: services.postgres.description)
        for round in 1...rounds {
            let worker = try await drain()
            let psql = try await copy()
            report.rounds.append(.init(worker: worker, psqlRowsPerSecond: psql))
            tell(
                "round \(round): worker \(Int(worker.rowsPerSecond)) rows/s, psql \(Int(psql)) rows/s, "
                    + "ratio \(BenchReport.two(worker.rowsPerSecond / psql))")
        }
        return report
    }

    private func tell(_ line: String) {
        if !isSilent { Output.complain(line) }
    }

    // MARK: The worker

    private func drain() async throws -> BenchReport.Worker {
        try await reset()
        let before = Self.childCPU()
        let drain = try await ground.drain(["-s", "lanes=\(lanes)"])
        let cpu = Self.childCPU() - before
        guard drain.stored == rows else { throw CommandFailure("the worker did not store every row") }
        return .init(
            rowsPerSecond: Double(rows) / drain.seconds, cpuMicrosecondsPerRow: cpu / Double(rows) * 1e6,
            peakMemoryBytes: drain.peakMemoryBytes, batches: drain.batches)
    }

    /// Empty tables, a ledger that knows nothing, and a stream that was never read.
    private func reset() async throws {
        let redis = try ground.connectRedis()
        for group in ["md:trades", "md:ticker", "md:orderbook", "md:ohlcv", "md:positions", "md:orders"] {
            _ = try? redis.command("XGROUP", "DESTROY", .text(group), "millrace")
        }
        for key in ["epoch", "acked", "workers"] { try redis.command("DEL", .text("millrace:{millrace}:\(key)")) }
        try ground.empty()
    }

    // MARK: psql

    private func copy() async throws -> Double {
        try await reset()
        let start = ContinuousClock.now
        try await shell("psql -qc '\\copy market_data_trades (\(Self.columns)) FROM \(csv) CSV'")
        return Double(rows) / (start.duration(to: .now) / .seconds(1))
    }

    // MARK: Processes

    private func shell(_ line: String) async throws {
        _ = try await Child.run(
            ["/bin/sh", "-c", line.replacing("psql ", with: "psql -v ON_ERROR_STOP=1 -d '\(ground.database)' ")],
            environment: ground.environment)
    }

    /// Processor time of all children that have ended, in seconds.
    private static func childCPU() -> Double {
        var usage = rusage()
        getrusage(RUSAGE_CHILDREN.rawValue, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

/// A command that is run to its end.
enum Child {
    /// - Returns: its peak memory in bytes, as far as it was seen.
    static func run(_ arguments: [String], environment: [String: String]) async throws -> Int {
        let process = Process()
        process.executableURL = URL(filePath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        var peak = 0
        while process.isRunning {
            peak = max(peak, peakMemory(of: process.processIdentifier))
            try await Task.sleep(for: .milliseconds(20))
        }
        guard process.terminationStatus == 0 else {
            throw CommandFailure(
                "`\(arguments.prefix(3).joined(separator: " "))` ended with \(process.terminationStatus)")
        }
        return peak
    }

    private static func peakMemory(of pid: Int32) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
                Int($0)
            })
        else { return 0 }
        return kilobytes << 10
    }
}
