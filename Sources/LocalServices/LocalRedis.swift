import Foundation
import Glibc
import Synchronization

/// A private `redis-server` in a folder, on a free loopback port and a Unix socket.
///
/// It has no password: it is for development and tests on one machine. It stops when it is told to, when the last
/// reference goes, and when this process ends in any way. As root it runs as `redis` (or `nobody`).
/// All members may be called from any task; concurrent `stop` and `restart` of one server are a programmer error.
public final class LocalRedis: Sendable {
    /// The folder with configuration, data, socket and log.
    public let directory: String
    /// The port on 127.0.0.1. It stays the same over restarts.
    public let port: Int
    private let user: ServerUser
    private let lease: TemporaryFolder?
    private let server = Mutex<SupervisedProcess?>(nil)

    /// Starts a server and returns when it answers PING; data already in the folder is loaded.
    ///
    /// Throws a `ServiceError` when `redis-server` is missing, the folder is in use or cannot be entered by the server's
    /// user, or the server does not answer within 30 seconds.
    public static func start(in directory: String, options: RedisOptions = RedisOptions()) async throws -> LocalRedis {
        try await start(in: directory, options: options, lease: nil)
    }

    /// As `start(in:options:)` in a new folder below /var/tmp, which goes when this object does, or this process.
    public static func startTemporary(options: RedisOptions = RedisOptions()) async throws -> LocalRedis {
        let lease = try TemporaryFolder()
        return try await start(in: lease.path + "/redis", options: options, lease: lease)
    }

    static func start(
        in directory: String, options: RedisOptions, lease: TemporaryFolder?,
        findPort: () throws -> Int = FreePort.find
    ) async throws -> LocalRedis {
        try await FreePort.use(from: findPort) { port in
            try await start(in: directory, port: port, options: options, lease: lease)
        }
    }

    private static func start(
        in directory: String, port: Int, options: RedisOptions, lease: TemporaryFolder?
    ) async throws -> LocalRedis {
        let redis = try LocalRedis(directory: directory, port: port, lease: lease)
        try redis.user.makePrivateFolder(redis.directory + "/data")
        try redis.user.makePrivateFolder(redis.directory + "/socket")
        try redis.user.writePrivateFile(
            redis.directory + "/redis.conf", options.configuration(folder: redis.directory, port: redis.port))
        try await redis.user.checkCanReach(redis.directory + "/data")
        try await redis.launch()
        return redis
    }

    private init(directory: String, port: Int, lease: TemporaryFolder?) throws {
        self.directory = try ServiceFolder.make(directory)
        self.port = port
        self.user = try ServerUser.forServer("redis")
        self.lease = lease
    }

    /// `redis://127.0.0.1:port`.
    public var url: String { "redis://127.0.0.1:\(port)" }

    /// The Unix socket; only the server's user and root can use it.
    public var socketPath: String { directory + "/socket/redis.sock" }

    /// The server's process id, nil while it is stopped.
    public var pid: Int32? { current?.pid }

    /// Stops the server as SIGTERM does: what it holds is written first. Does nothing when it is stopped already.
    public func stop() async {
        guard let running = current else { return }
        running.send(SIGTERM)
        await running.waitForExit(killingAfter: .seconds(20))
    }

    /// Kills the server with SIGKILL, as a power cut would; `restart()` brings it back.
    public func kill() {
        current?.send(SIGKILL)
    }

    /// Stops the server if it runs, then starts it again in the same folder, on the same port, with the same data.
    public func restart() async throws {
        await stop()
        try await launch()
    }

    private var current: SupervisedProcess? {
        server.withLock { process in
            if let process, process.hasExited { return nil }
            return process
        }
    }

    private func launch() async throws {
        let program = try Programs.find("redis-server", package: "redis-server")
        let command = user.wrap([program, directory + "/redis.conf"], deathSignal: "KILL")
        let process = try await SupervisedProcess.start(
            SupervisedProcess.Plan(
                folder: directory, command: command, orphanSignal: lease == nil ? "TERM" : "KILL",
                isThrowAway: lease != nil))
        server.withLock { $0 = process }
        let socket = socketPath
        try await Readiness.wait(for: "redis-server", process: process, folder: directory, within: .seconds(30)) {
            RedisPing.answers(at: socket)
        }
    }
}
