import Foundation
import Glibc
import Testing

@testable import LocalServices

@Suite struct LocalServicesTests {
    @Test func startsBothAndLeavesNothingBehind() async throws {
        let services = try await LocalServices.start()
        let pids = try [#require(services.redis.pid), #require(services.postgres.pid)]
        #expect(pids.allSatisfy(isAlive))
        #expect(services.directory.hasPrefix("/var/tmp/millrace-"))
        await services.stop()
        #expect(!pids.contains(where: isAlive))
        #expect(!FileManager.default.fileExists(atPath: services.directory))
    }

    @Test func aFolderOfTheCallersStays() async throws {
        let scratch = try ScratchFolder()
        for round in 1...2 {
            let services = try await LocalServices.start(in: scratch.path + "/data")
            #expect(try await services.redis.cli("INCR", "round") == "\(round)")
            try await services.postgres.run(sql: "CREATE TABLE round_\(round) ()")
            #expect(try await services.postgres.value("SELECT to_regclass('round_1')") == "round_1")
            await services.stop()
        }
    }

    @Test func severalRunSideBySide() async throws {
        async let first = LocalServices.start()
        async let second = LocalServices.start()
        let both = try await [first, second]
        #expect(both[0].redis.port != both[1].redis.port)
        #expect(both[0].postgres.port != both[1].postgres.port)
        for services in both {
            #expect(try await services.redis.cli("PING") == "PONG")
            #expect(try await services.postgres.value("SELECT 1") == "1")
        }
        for services in both {
            await services.stop()
        }
    }

    @Test func aFailedStartLeavesNothingBehind() async throws {
        let error = await #expect(throws: ServiceError.self) {
            _ = try await LocalServices.start(
                redis: RedisOptions(extraLines: ["unixsocketperm 755"]), postgres: ["no_such_setting": "1"])
        }
        let text = try #require(error?.description)
        #expect(text.contains("no_such_setting"))
    }

    @Test func leftoversOfKilledProcessesAreRemovedAndFoldersInUseAreNot() async throws {
        let inUse = try TemporaryFolder()
        let leftover = inUse.path + "-left"
        try FileManager.default.createDirectory(atPath: leftover + "/redis/data", withIntermediateDirectories: true)
        for folder in [inUse.path, leftover] {
            let longAgo = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
            #expect(utimes(folder, longAgo) == 0)
        }
        TemporaryFolder.removeLeftovers()
        // Tests beside this one remove leftovers too, and whoever comes second leaves it to the first.
        #expect(try await eventually { !FileManager.default.fileExists(atPath: leftover) })
        #expect(FileManager.default.fileExists(atPath: inUse.path))
    }
}
