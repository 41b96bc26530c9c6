import Foundation
import Glibc
import Synchronization

/// A private PgBouncer on a free loopback port, in transaction mode: each transaction may get another of a few sessions
/// with PostgreSQL.
///
/// It stops when it is told to, when the last reference goes, and when this process ends in any way. As root it runs as
/// `postgres` (or `nobody`). All members may be called from any task; concurrent `stop` and `restart` are a programmer
/// error.
public final class LocalPgBouncer: Sendable {
    /// The port on 127.0.0.1. It stays the same over restarts.
    public let port: Int
    private let directory: String
    private let user: ServerUser
    private let lease: TemporaryFolder
    private let server = Mutex<SupervisedProcess?>(nil)

    /// Starts one and returns when it listens.
    ///
    /// - Parameters:
    ///   - postgres: the address of a server over TCP, with the user and password that clients use, too.
    ///   - sessions: the most it opens for one user and database; further clients wait. Default 20.
    /// - Throws: a `ServiceError` when `pgbouncer` is missing, the address lacks a part, or nothing listens within 30
    ///   seconds.
    public static func startTemporary(before postgres: String, sessions: Int = 20) async throws -> LocalPgBouncer {
        let lease = try TemporaryFolder()
        let pooler = try LocalPgBouncer(lease: lease)
        try pooler.configure(before: postgres, sessions: sessions)
        try await pooler.launch()
        return pooler
    }

    private init(lease: TemporaryFolder) throws {
        self.lease = lease
        directory = try ServiceFolder.make(lease.path + "/pgbouncer")
        port = try FreePort.find()
        user = try ServerUser.forServer("postgres")
    }

    /// The same address, through the pooler.
    public func url(_ postgres: String) -> String {
        var parts = URLComponents(string: postgres)
        parts?.port = port
        return parts?.string ?? postgres
    }

    /// Ends it at once, with every connection on both sides. Does nothing when it is stopped already.
    public func stop() async {
        guard let running = server.withLock({ $0 }), !running.hasExited else { return }
        running.send(SIGTERM)
        await running.waitForExit(killingAfter: .seconds(20))
    }

    /// Ends it if it runs, and starts it again on the same port.
    public func restart() async throws {
        await stop()
        try await launch()
    }

    private func configure(before postgres: String, sessions: Int) throws {
        guard let parts = URLComponents(string: postgres), let host = parts.host, let upstream = parts.port,
            let name = parts.user, let password = parts.password
        else { throw ServiceError("a pooler needs an address with host, port, user and password") }
        try user.writePrivateFile(directory + "/users", "\"\(name)\" \"\(password)\"\n")
        try user.writePrivateFile(
            directory + "/pgbouncer.ini",
            """
            [databases]
            * = host=\(host) port=\(upstream)

            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(port)
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = \(directory)/users
            pool_mode = transaction
            default_pool_size = \(sessions)
            server_login_retry = 1

            """)
    }

    private func launch() async throws {
        let program = try Programs.find("pgbouncer", package: "pgbouncer")
        let command = user.wrap([program, "-q", directory + "/pgbouncer.ini"], deathSignal: "KILL")
        let process = try await SupervisedProcess.start(
            SupervisedProcess.Plan(folder: directory, command: command, orphanSignal: "KILL", isThrowAway: true))
        server.withLock { $0 = process }
        let port = port
        try await Readiness.wait(for: "pgbouncer", process: process, folder: directory, within: .seconds(30)) {
            FreePort.isListening(port)
        }
    }
}
