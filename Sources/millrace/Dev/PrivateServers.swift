import LocalServices
import Migrations
import PostgresWire

/// A Redis and a PostgreSQL of our own, the schema in place.
struct PrivateServers {
    let services: LocalServices
    let database: PrivateDatabase
    let tier: DatabaseTier

    var redisURL: String { services.redis.url }
    var postgresURL: String { services.postgres.url() }

    /// - Parameters:
    ///   - folder: where their data stay; `nil` is a temporary folder, which goes with them.
    ///   - settings: of `postgresql.conf`, besides those that private servers have anyway.
    static func start(in folder: String?, postgres settings: [String: String] = [:]) async throws -> PrivateServers {
        let services: LocalServices
        do {
            services = try await LocalServices.start(in: folder, postgres: settings)
        } catch let error as ServiceError {
            throw CommandFailure("cannot start private servers: \(error)")
        }
        do {
            let database = try PrivateDatabase(url: services.postgres.url())
            let tier = try await database.migrate()
            return PrivateServers(services: services, database: database, tier: tier)
        } catch {
            await services.stop()
            throw error
        }
    }

    func stop() async { await services.stop() }
}
