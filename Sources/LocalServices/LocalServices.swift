import Foundation
import Glibc

/// A private Redis and a private PostgreSQL side by side, for `millrace dev`, the demo, the tests and the bench.
public final class LocalServices: Sendable {
    /// The folder both live in: `redis` and `postgres`.
    public let directory: String
    public let redis: LocalRedis
    public let postgres: LocalPostgres
    private let lease: TemporaryFolder?

    /// Starts both at the same time.
    ///
    /// Without `directory` they live in a new folder below /var/tmp (a disk, which /tmp may not be), which goes with
    /// them, however this process ends; what an earlier process that was killed left behind is removed first.
    /// Throws a `ServiceError` as the two servers do; then neither is left running.
    public static func start(
        in directory: String? = nil, redis: RedisOptions = RedisOptions(), postgres settings: [String: String] = [:],
        tiers: [PostgresTier] = PostgresTier.allCases
    ) async throws -> LocalServices {
        let lease = directory == nil ? try TemporaryFolder() : nil
        let folder = try ServiceFolder.make(directory ?? lease?.path ?? "")
        async let cache = LocalRedis.start(in: folder + "/redis", options: redis, lease: lease)
        async let database = LocalPostgres.start(
            in: folder + "/postgres", settings: settings, tiers: tiers, lease: lease)
        do {
            return LocalServices(directory: folder, redis: try await cache, postgres: try await database, lease: lease)
        } catch {
            await (try? cache)?.stop()
            await (try? database)?.stop(mode: .immediate)
            lease?.remove()
            throw error
        }
    }

    private init(directory: String, redis: LocalRedis, postgres: LocalPostgres, lease: TemporaryFolder?) {
        self.directory = directory
        self.redis = redis
        self.postgres = postgres
        self.lease = lease
    }

    /// Stops both, and removes a temporary folder.
    public func stop() async {
        async let cache: Void = redis.stop()
        async let database: Void = postgres.stop(mode: lease == nil ? .fast : .immediate)
        _ = await (cache, database)
        lease?.remove()
    }
}
