import Foundation
import Glibc
import Testing

@testable import LocalServices

/// Servers must not outlive their owner, however it ends.
@Suite struct OwnerTests {
    /// The owner is a real process, here one that does nothing but hold the pipe; the server one that ignores SIGTERM.
    private static let ownerAndSupervisor = """
        { exec sleep 3600; } | sh -c "$1" supervise "$2" 1 TERM "$3" \
        sh -c 'echo $$ >"$0/pid"; trap "" TERM; exec sleep 3600' "$2"
        """

    @Test(arguments: ["keep", "remove"])
    func theServerEndsWhenItsOwnerIsKilled(afterwards: String) async throws {
        let scratch = try ScratchFolder()
        let folder = try ServiceFolder.make(scratch.path + "/base/service")
        let nothing = try Descriptor.nothing()
        let pipeline = try Child.start(
            ["sh", "-c", Self.ownerAndSupervisor, "owner", Scripts.supervise, folder, afterwards],
            input: nothing, output: nothing, errors: nothing)
        #expect(try await eventually { Self.pid(in: folder) != nil })
        let server = try #require(Self.pid(in: folder))
        let owner = try #require(Self.children(of: pipeline.pid).first { Self.name($0) == "sleep" })
        #expect(isAlive(server))
        kill(owner, SIGKILL)
        #expect(try await eventually { !isAlive(server) })
        _ = await pipeline.exit.wait()
        let isKept = afterwards == "keep"
        #expect(FileManager.default.fileExists(atPath: folder) == isKept)
        #expect(FileManager.default.fileExists(atPath: scratch.path + "/base") == isKept)
    }

    @Test func theServerEndsWhenItsSupervisorIsKilled() async throws {
        let redis = try await LocalRedis.startTemporary()
        let server = try #require(redis.pid)
        let supervisor = try #require(processStatus(server, "PPid").flatMap { Int32($0) })
        kill(supervisor, SIGKILL)
        #expect(try await eventually { !isAlive(server) })
        try await redis.restart()
        #expect(try await redis.cli("PING") == "PONG")
        await redis.stop()
    }

    @Test func aFolderInUseIsRefused() async throws {
        let redis = try await LocalRedis.startTemporary()
        let plan = SupervisedProcess.Plan(
            folder: redis.directory, command: ["sleep", "3600"], orphanSignal: "KILL", isThrowAway: false,
            patienceSeconds: 0)
        let error = await #expect(throws: ServiceError.self) { _ = try await SupervisedProcess.start(plan) }
        #expect(error?.description.contains("another server is using") == true)
        await redis.stop()
    }

    /// A program that handles SIGTERM through Dispatch ignores it first; servers inheriting that could not be stopped.
    @Test func ignoredSignalsOfTheOwnerAreNotInherited() async throws {
        let before = signal(SIGTERM, SIG_IGN)
        defer { signal(SIGTERM, before) }
        let redis = try await LocalRedis.startTemporary()
        let server = try #require(redis.pid)
        let supervisor = try #require(processStatus(server, "PPid").flatMap { Int32($0) })
        let ignored = try #require(processStatus(supervisor, "SigIgn").flatMap { UInt64($0, radix: 16) })
        #expect(ignored & (1 << (UInt64(SIGTERM) - 1)) == 0)
        await redis.stop()
        #expect(redis.pid == nil)
    }

    private static func pid(in folder: String) -> Int32? {
        FileManager.default.contents(atPath: folder + "/pid").flatMap {
            Int32(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .newlines))
        }
    }

    private static func children(of parent: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap(Int32.init).filter { processStatus($0, "PPid") == "\(parent)" }
    }

    private static func name(_ pid: Int32) -> String? {
        processStatus(pid, "Name")
    }
}
