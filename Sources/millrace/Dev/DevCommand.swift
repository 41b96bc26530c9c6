import ArgumentParser
import Glibc
import LocalServices
import Logging
import RecordCodec
import Settings
import Telemetry
import WorkerApp

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Start a private Redis and PostgreSQL and a worker between them, until Ctrl-C.",
        discussion: """
            The servers listen on free ports of 127.0.0.1; the database has TimescaleDB where this machine can have \
            it. What they hold is kept in a folder and is there at the next start: ~/.local/share/millrace, for root \
            \(DataFolder.ofRoot). Nothing is deleted by age.

            --json prints the addresses as one object as soon as the servers answer.

            EXAMPLES
              millrace dev
              millrace dev --temporary
              millrace dev --data /srv/millrace --port 8080
              millrace dev -c millrace.yaml
            """)

    @Option(name: .long, help: ArgumentHelp("Where the servers keep their data.", valueName: "dir"))
    var data: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Port of the HTTP service, 0 for a free one; 4195, or a free one when that is taken.", valueName: "port"))
    var port: UInt16?

    @Flag(name: .long, help: "Keep nothing: the data goes with the servers.")
    var temporary = false

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if temporary, data != nil { throw ValidationError("--temporary keeps nothing: leave --data out") }
        if data == "" { throw ValidationError("--data names a folder") }
    }

    func run() async throws {
        var settings = try source.load().settings
        let folder = temporary ? nil : try DataFolder.path(data)
        if !output.isJSON { Output.complain("starting a private Redis and PostgreSQL …") }
        let servers = try await PrivateServers.start(in: folder)
        let httpPort = port.flatMap { $0 > 0 ? Int($0) : nil } ?? FreePort.find(preferring: port ?? 4195)
        use(servers, port: httpPort, in: &settings)
        do {
            try DevAddresses(
                redis: servers.redisURL, postgres: servers.postgresURL, http: "http://127.0.0.1:\(httpPort)",
                data: folder, tier: servers.tier, postgresProgram: servers.services.postgres.description
            ).print(output)
            try await work(settings)
        } catch {
            await servers.stop()
            throw error
        }
        await servers.stop()
        if !output.isJSON { Output.complain(folder.map { "stopped; the data stays in \($0)" } ?? "stopped") }
    }

    /// Whatever the file and the environment say: these servers and no others.
    private func use(_ servers: PrivateServers, port: Int, in settings: inout Settings) {
        settings.redis.url = servers.redisURL
        settings.redis.password = nil
        settings.redis.passwordFile = nil
        settings.postgres.url = servers.postgresURL
        settings.postgres.password = nil
        settings.postgres.passwordFile = nil
        settings.postgres.directURL = nil
        settings.postgres.useEnvironment = false
        settings.http.enabled = true
        settings.http.address = HTTPAddress(host: "127.0.0.1", port: port)
        settings.trim.mode = .off
    }

    private func work(_ settings: Settings) async throws {
        Telemetry.bootstrapLogging(level: settings.log.level.logger, format: settings.log.format.lines)
        let registry = Telemetry.bootstrapMetrics(known: ["table": settings.streams.map(\.table)])
        let application = WorkerApplication(
            settings: settings, version: ProgramVersion.current, registry: registry, log: Logger(label: "millrace"))
        do {
            _ = try await application.run(draining: nil)
        } catch let failure as ApplicationFailure {
            throw CommandFailure(failure)
        }
    }
}

extension CommandFailure {
    init(_ failure: ApplicationFailure) {
        self.init(
            failure.message, fix: failure.fix,
            status: failure.isConfiguration ? ExitStatus.badConfiguration : ExitStatus.failed)
    }
}
