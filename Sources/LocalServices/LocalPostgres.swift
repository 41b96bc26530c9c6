import Foundation
import Glibc
import Synchronization

/// A private PostgreSQL in a folder, on a free loopback port and a Unix socket, with TimescaleDB where this machine can
/// have it.
///
/// Over TCP the superuser `millrace` needs the random password that `url(database:)` carries; over the socket, which only
/// the server's user and root can reach, nobody is asked. It stops when it is told to, when the last reference goes, and
/// when this process ends in any way. As root it runs as `postgres` (or `nobody`).
/// All members may be called from any task; concurrent `stop` and `restart` of one server are a programmer error.
public final class LocalPostgres: Sendable {
    /// PostgreSQL's three ways to stop.
    public enum StopMode: Sendable {
        /// Waits until every client has gone (at most a minute).
        case smart
        /// Ends the clients' sessions, writes a checkpoint.
        case fast
        /// Ends at once without a checkpoint, as a crash would: the next start recovers from the log.
        case immediate
    }

    /// The folder with cluster, socket, password and log.
    public let directory: String
    /// The port on 127.0.0.1. It stays the same over restarts.
    public var port: Int { server.port }
    /// Where the programs come from.
    public var tier: PostgresTier { server.installation.tier }
    /// For people: version, TimescaleDB or not (and why not), and where the programs come from.
    public var description: String { server.installation.description }
    /// Whether CREATE EXTENSION timescaledb works here.
    public var hasTimescaleDB: Bool { server.installation.timescaleVersion != nil }

    let server: PostgresServer
    private let password: String
    private let lease: TemporaryFolder?
    private let process = Mutex<SupervisedProcess?>(nil)

    /// Starts a server and returns when it accepts connections. A folder without a cluster gets a new one, with the
    /// empty database `millrace`; a cluster already there is served.
    ///
    /// `settings` are settings of `postgresql.conf` that win over this module's; `tiers` limits where the programs may
    /// come from, best first. Throws a `ServiceError` when no PostgreSQL can be found, the folder is in use, belongs to
    /// another major version or cannot be entered by the server's user, or the server is not ready within two minutes.
    public static func start(
        in directory: String, settings: [String: String] = [:], tiers: [PostgresTier] = PostgresTier.allCases
    ) async throws -> LocalPostgres {
        try await start(in: directory, settings: settings, tiers: tiers, lease: nil)
    }

    /// As `start(in:settings:tiers:)` in a new folder below /var/tmp, which goes when this object does, or this process.
    public static func startTemporary(
        settings: [String: String] = [:], tiers: [PostgresTier] = PostgresTier.allCases
    ) async throws -> LocalPostgres {
        let lease = try TemporaryFolder()
        return try await start(in: lease.path + "/postgres", settings: settings, tiers: tiers, lease: lease)
    }

    static func start(
        in directory: String, settings: [String: String], tiers: [PostgresTier], lease: TemporaryFolder?,
        findPort: () throws -> Int = FreePort.find
    ) async throws -> LocalPostgres {
        let folder = try ServiceFolder.make(directory)
        let user = try ServerUser.forServer("postgres")
        let installation = try await PostgresFinder.find(tiers, user: user)
        if let version = clusterVersion(folder) {
            guard version == installation.major else {
                throw ServiceError(
                    "\(folder) was made by PostgreSQL \(version), but this machine offers \(installation.description)")
            }
        } else {
            try await ClusterTemplate.copy(to: folder, installation: installation, user: user)
        }
        if installation.root == nil {
            try await user.checkCanReach(folder + "/data")
        }
        let password = try readPassword(folder)
        return try await FreePort.use(from: findPort) { port in
            let server = PostgresServer(
                installation: installation, user: user, folder: folder, port: port, settings: settings,
                isThrowAway: lease != nil)
            let postgres = LocalPostgres(server: server, password: password, lease: lease)
            try await postgres.launch()
            return postgres
        }
    }

    private init(server: PostgresServer, password: String, lease: TemporaryFolder?) {
        self.server = server
        self.directory = server.folder
        self.password = password
        self.lease = lease
    }

    /// The address of a database over TCP, as the superuser.
    public func url(database: String = "millrace") -> String {
        "postgresql://\(PostgresSettings.superuser):\(password)@127.0.0.1:\(port)/\(database)"
    }

    /// The address of a database over the Unix socket, as the superuser.
    public func socketURL(database: String = "millrace") -> String {
        "postgresql:///\(database)?host=\(directory)/socket&port=\(port)&user=\(PostgresSettings.superuser)"
    }

    /// The server's process id, nil while it is stopped.
    public var pid: Int32? { current?.pid }

    /// Stops the server and waits for its end. Does nothing when it is stopped already.
    public func stop(mode: StopMode = .fast) async {
        guard let running = current else { return }
        switch mode {
        case .smart: running.send(SIGTERM)
        case .fast: running.send(SIGINT)
        case .immediate: running.send(SIGQUIT)
        }
        await running.waitForExit(killingAfter: .seconds(60))
    }

    /// Kills the postmaster with SIGKILL; its backends notice and end. `restart()` brings the server back.
    public func kill() {
        current?.send(SIGKILL)
    }

    /// Stops the server in the given way if it runs, then starts it again in the same folder, on the same port.
    public func restart(mode: StopMode = .fast) async throws {
        await stop(mode: mode)
        try await launch()
    }

    private var current: SupervisedProcess? {
        process.withLock { process in
            if let process, process.hasExited { return nil }
            return process
        }
    }

    private func launch() async throws {
        let started = try await server.launch()
        process.withLock { $0 = started }
    }

    private static func clusterVersion(_ folder: String) -> Int? {
        FileManager.default.contents(atPath: folder + "/data/PG_VERSION").flatMap {
            Int(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    private static func readPassword(_ folder: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: folder + "/password") else {
            throw ServiceError("\(folder)/password cannot be read")
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
