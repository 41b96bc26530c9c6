import Foundation
import LocalServices
import Testing

@Suite struct LocalServicesTests {
    @Test func startsBothAndLeavesNothingBehind() async throws {
        let services = try await LocalServices.start()
        let pids = try [#require(services.redis.pid), #require(services.postgres.pid)]
        #expect(pids.allSatisfy(isAlive))
        #expect(services.postgres.hasTimescaleDB)
        await services.stop()
        #expect(!pids.contains(where: isAlive))
        #expect(!FileManager.default.fileExists(atPath: services.directory))
    }
}

func isAlive(_ pid: Int32) -> Bool {
    kill(pid, 0) == 0
}
