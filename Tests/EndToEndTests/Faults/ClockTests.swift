import Foundation
import IngestTesting
import RedisWire
import Testing

extension EndToEnd {
    /// The clock of a worker's machine is set while it works.
    @Suite(.tags(.fault)) struct ClockTests {
        /// What waits, waits by the monotonic clock, which is left alone, as it is when somebody sets the time.
        @Test func aClockThatJumpsStopsNothing() async throws {
            let scene = try await Scene()
            let feeder = Feeder(scene, rate: 2_000)
            let clock = try FakeClock()
            let worker = try scene.watched("jumpy", environment: clock.environment, launcher: FakeClock.launcher)
            let other = try scene.watched("other")
            try await scene.expectRows("they work")
            for jump in [-3_600, 7_200, 0] {
                try clock.set(offset: jump)
                try await Self.expect(jump, on: worker, scene)
                try await Self.expectHeartbeats(scene, "after \(jump) s")
                for _ in 1...3 { try await scene.expectRows("they go on after \(jump) s", more: 500) }
            }
            // A machine that stood still for as long as a worker may be silent makes the other one take over, too.
            if Proof.isOn { #expect(await other.metric("millrace_entries_claimed_total") == 0) }
            try await scene.expectOnce(feeder, [worker, other])
            await scene.stop()
        }

        private static func expectHeartbeats(_ scene: Scene, _ moment: String) async throws {
            for lane in ["jumpy.0.0", "jumpy.0.1"] {
                func beat() throws -> String? {
                    try scene.command("HGET", "millrace:{\(Scene.group)}:workers", .text(lane)).text
                }
                let before = try #require(try beat(), "\(lane) \(moment)")
                try await eventually("\(lane) lives \(moment)") {
                    let now = try beat()
                    return now != nil && now != before
                }
            }
        }

        /// Until the worker says something with the time it believes in; ended sessions give it something to say.
        private static func expect(_ jump: Int, on worker: WatchedWorker, _ scene: Scene) async throws {
            try await eventually(within: .seconds(30), "a line of \(jump) s: \(worker.process.tail())") {
                _ = try scene.terminateSessions()
                let lines = worker.process.errorsSoFar.split(separator: "\n").suffix(5)
                return lines.contains { line in
                    guard let time = try? Date(String(line.prefix(19)) + "Z", strategy: .iso8601) else { return false }
                    return abs(time.timeIntervalSinceNow - Double(jump)) < 60
                }
            }
        }
    }
}

/// The wall clock of a process, moved by libfaketime.
struct FakeClock {
    private let file = FileManager.default.temporaryDirectory.appending(path: "millrace-clock-\(UUID().uuidString)")
    private let library: String

    init() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib")
        let candidates = folders.map { "/usr/lib/\($0)/faketime/libfaketimeMT.so.1" }
        library = try #require(
            candidates.first { FileManager.default.fileExists(atPath: $0) },
            "libfaketime is not installed (Debian: apt-get install libfaketime; or make setup as root)")
        try set(offset: 0)
    }

    /// Seconds from now on.
    func set(offset: Int) throws {
        try Data((offset < 0 ? "\(offset)" : "+\(offset)").utf8).write(to: file, options: .atomic)
    }

    /// The library adds to the environment of the first program it is loaded into, and a Swift program does not find its
    /// arguments after that.
    static let launcher = ["/usr/bin/env"]

    var environment: [String: String] {
        [
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": file.path, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        ]
    }
}
