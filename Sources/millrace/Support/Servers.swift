import IngestCore
import IngestPipeline
import Migrations
import PostgresWire
import RedisWire
import Settings

/// Opens the servers that a configuration names. Errors name the server, never its password.
struct Servers {
    let loaded: LoadedSettings
    private var settings: Settings { loaded.settings }

    init(_ loaded: LoadedSettings) {
        self.loaded = loaded
    }

    // MARK: Redis

    func redisEndpoint() throws(CommandFailure) -> RedisEndpoint {
        do throws(RedisEndpointError) {
            return try RedisEndpoint(
                url: settings.redis.url, password: settings.redis.password.map { RedisPassword($0.value) },
                insecureOK: settings.redis.insecureOK)
        } catch {
            throw CommandFailure("\(error)", status: ExitStatus.badConfiguration)
        }
    }

    func redis() throws(CommandFailure) -> RedisConnection {
        let endpoint = try redisEndpoint()
        do throws(RedisError) {
            let connection = try RedisConnection.connect(to: endpoint, name: "millrace/command")
            connection.commandTimeout = .seconds(30)
            return connection
        } catch {
            throw Self.unreachable(endpoint, error)
        }
    }

    private static func unreachable(_ endpoint: RedisEndpoint, _ error: RedisError) -> CommandFailure {
        guard let answer = error.serverError else {
            return CommandFailure(
                "cannot reach Redis at \(endpoint): \(words(error))",
                fix: "start it, or give its address with -s redis.url=redis://host:6379 or MILLRACE_REDIS_URL")
        }
        let fix =
            ["NOAUTH", "WRONGPASS"].contains(answer.code)
            ? "give the password in redis.password_file or MILLRACE_REDIS_PASSWORD" : nil
        return CommandFailure(
            "Redis at \(endpoint) refuses the session: \(words(error))", fix: fix, status: status(error))
    }

    static func failure(_ error: RedisError) -> CommandFailure {
        CommandFailure(words(error), status: status(error))
    }

    /// A password or a right that is wrong is a matter of the configuration, as it is to `run`.
    static func status(_ error: RedisError) -> Int32 {
        guard let answer = error.serverError else { return ExitStatus.failed }
        let isRefused = RedisFailure(reply: "\(answer.code) \(answer.message)") == .wantsPerson
        return isRefused ? ExitStatus.badConfiguration : ExitStatus.failed
    }

    /// What happened, with the server's own words: the reader is its operator.
    static func words(_ error: RedisError) -> String {
        if case .connect(let reason) = error { return reason }
        guard let answer = error.serverError else { return error.description }
        return "Redis answered \(answer.code) \(answer.message.prefix(300))"
    }

    // MARK: PostgreSQL

    /// - Parameter direct: past a transaction pooler, where there is one.
    func postgres(direct: Bool = false) throws(CommandFailure) -> PostgresConnection {
        let endpoint = try postgresEndpoint(direct: direct)
        do throws(PostgresError) {
            return try PostgresConnection.connect(to: endpoint, applicationName: "millrace/command")
        } catch {
            throw CommandFailure(
                "cannot reach PostgreSQL at \(endpoint): \(Self.firstSentence(error.message))",
                fix: """
                    start it, or give its address with -s postgres.url=postgresql://user@host:5432/database, \
                    MILLRACE_POSTGRES_URL or PG* variables
                    """,
                status: Self.status(error))
        }
    }

    func postgresEndpoint(direct: Bool = false) throws(CommandFailure) -> PostgresEndpoint {
        do throws(PostgresError) {
            return try PostgresEndpoint(
                PostgresAddress(loaded, direct: direct).connectionString, environment: .used,
                passwordFile: settings.postgres.passwordFile, allowInsecure: settings.postgres.insecureOK)
        } catch {
            throw CommandFailure("postgres.url: \(error.message)", status: ExitStatus.badConfiguration)
        }
    }

    /// libpq adds questions to its reasons, on lines of their own.
    private static func firstSentence(_ message: String) -> String {
        String(message[..<(message.firstRange(of: "; \t")?.lowerBound ?? message.endIndex)])
    }

    /// Both servers, as the pipeline's own parts take them.
    func group() throws(CommandFailure) -> GroupServers {
        GroupServers(
            redis: try redis(), postgres: try postgres(), deployment: settings.redis.id,
            redisDatabase: try redisEndpoint().database, group: settings.consumerGroup)
    }

    static func failure(_ error: PostgresError) -> CommandFailure {
        let status = status(error)
        return switch error.sqlState {
        case .some(.undefinedTable):
            CommandFailure(
                "the database lacks a table: \(error.message)", fix: "run `millrace migrate up`", status: status)
        case .some(.insufficientPrivilege):
            CommandFailure(
                "PostgreSQL refuses: \(error.message)", fix: "log in as a user who may, or GRANT what is missing",
                status: status)
        default: CommandFailure(error.explanation, status: status)
        }
    }

    /// A login, a right, a database or a table that is not there is a matter of the configuration, as it is to `run`.
    private static func status(_ error: PostgresError) -> Int32 {
        let isRefused =
            error.sqlState.map { state in
                state.errorClass == "28" || ["3D000", "3F000", "42501", "42P01"].contains(state.code)
            } ?? false
        return isRefused || error.kind == .configuration ? ExitStatus.badConfiguration : ExitStatus.failed
    }

    static func failure(_ error: MigrationFailure) -> CommandFailure {
        if case .postgres(let error) = error { return failure(error) }
        return CommandFailure("\(error)")
    }
}
