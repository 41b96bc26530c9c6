import IngestTesting
import LocalServices
import Testing

@Suite struct TestServicesTests {
    @Test func everyCallGetsADatabaseOfItsOwn() async throws {
        async let first = TestServices.shared.database()
        async let second = TestServices.shared.database()
        let urls = try await [first, second]
        #expect(urls[0] != urls[1])
        #expect(urls.allSatisfy { $0.hasPrefix("postgresql://millrace:") })
    }

    @Test func theSharedServersAreStartedOnce() async throws {
        async let first = TestServices.shared.redis()
        async let second = TestServices.shared.redis()
        #expect(try await first === second)
    }

    @Test func privateServersAreNotTheSharedOnes() async throws {
        let redis = try await TestServices.shared.privateRedis()
        let postgres = try await TestServices.shared.privatePostgres()
        #expect(try await redis.port != TestServices.shared.redis().port)
        #expect(try await postgres.port != TestServices.shared.postgres().port)
        await redis.stop()
        await postgres.stop(mode: .immediate)
    }
}
