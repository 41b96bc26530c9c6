import Foundation
import Glibc
import Testing

@testable import LocalServices

@Suite struct LocalRedisTests {
    @Test func keepsAcknowledgedWritesOverAKill() async throws {
        let redis = try await LocalRedis.startTemporary(options: RedisOptions(fsync: .always))
        let (port, firstPid) = (redis.port, try #require(redis.pid))
        #expect(try await redis.cli("XADD", "s", "1-1", "field", "value") == "1-1")
        redis.kill()
        try await redis.restart()
        #expect(redis.port == port)
        #expect(redis.pid != firstPid)
        #expect(!isAlive(firstPid))
        #expect(try await redis.cli("XLEN", "s") == "1")
        await redis.stop()
    }

    @Test func forgetsEverythingOverAKillWithoutAppendOnlyFile() async throws {
        let redis = try await LocalRedis.startTemporary(options: RedisOptions(appendOnly: false))
        _ = try await redis.cli("SET", "key", "value")
        redis.kill()
        try await redis.restart()
        #expect(try await redis.cli("EXISTS", "key") == "0")
        await redis.stop()
    }

    @Test func stopsOnceAndStartsAgainWithItsData() async throws {
        let redis = try await LocalRedis.startTemporary()
        let pid = try #require(redis.pid)
        _ = try await redis.cli("SET", "key", "value")
        await redis.stop()
        await redis.stop()
        #expect(!isAlive(pid))
        #expect(redis.pid == nil)
        try await redis.restart()
        #expect(try await redis.cli("GET", "key") == "value")
        await redis.stop()
    }

    @Test func passesItsOptionsToTheServer() async throws {
        let options = RedisOptions(
            fsync: .never, maxMemoryBytes: 50_000_000, extraLines: ["stream-node-max-entries 7", "appendfsync always"])
        let redis = try await LocalRedis.startTemporary(options: options)
        #expect(try await redis.cli("CONFIG", "GET", "maxmemory") == "maxmemory\n50000000")
        #expect(try await redis.cli("CONFIG", "GET", "stream-node-max-entries") == "stream-node-max-entries\n7")
        #expect(try await redis.cli("CONFIG", "GET", "appendfsync") == "appendfsync\nalways")
        #expect(try await redis.cli("CONFIG", "GET", "bind") == "bind\n127.0.0.1")
        await redis.stop()
    }

    @Test func servesOverItsSocketAndItsPort() async throws {
        let redis = try await LocalRedis.startTemporary()
        #expect(try await eventually { RedisPing.answers(at: redis.socketPath) })
        #expect(redis.url == "redis://127.0.0.1:\(redis.port)")
        #expect(try await redis.cli("PING") == "PONG")
        await redis.stop()
        #expect(!RedisPing.answers(at: redis.socketPath))
    }

    @Test func doesNotRunAsRoot() async throws {
        let redis = try await LocalRedis.startTemporary()
        let pid = try #require(redis.pid)
        let user = try #require(processStatus(pid, "Uid"))
        #expect(!user.hasPrefix("0\t"))
        await redis.stop()
    }

    @Test func stopsWhenTheLastReferenceGoes() async throws {
        var redis: LocalRedis? = try await LocalRedis.startTemporary()
        let pid = try #require(redis?.pid)
        let folder = try #require(redis?.directory)
        redis = nil
        #expect(try await eventually { !isAlive(pid) && !FileManager.default.fileExists(atPath: folder) })
    }

    @Test func namesTheReasonWhenTheServerRefusesItsConfiguration() async throws {
        let error = await #expect(throws: ServiceError.self) {
            _ = try await LocalRedis.startTemporary(options: RedisOptions(extraLines: ["no-such-setting 1"]))
        }
        #expect(error?.description.contains("no-such-setting") == true)
    }

    @Test func aPortThatSomebodyTookMeanwhileIsExchangedForAnother() async throws {
        let first = try await LocalRedis.startTemporary()
        var ports = [try FreePort.find(), first.port]
        let scratch = try ScratchFolder()
        let second = try await LocalRedis.start(in: scratch.path + "/redis", options: RedisOptions(), lease: nil) {
            ports.removeLast()
        }
        #expect(ports.isEmpty && second.port != first.port)
        #expect(try await second.cli("PING") == "PONG")
        await first.stop()
        await second.stop()
    }

    @Test func noPortIsHandedOutTwice() throws {
        let ports = try (1...200).map { _ in try FreePort.find() }
        #expect(Set(ports).count == 200)
    }

    @Test func aSocketPathThatIsTooLongIsRefused() async throws {
        let error = await #expect(throws: ServiceError.self) {
            _ = try await LocalRedis.start(in: "/var/tmp/" + String(repeating: "x", count: 100))
        }
        #expect(error?.description.contains("too long") == true)
    }
}
