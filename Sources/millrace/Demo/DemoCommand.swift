import ArgumentParser
import Foundation

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Show the whole flow on private servers, with kills and garbage, and verify it.",
        discussion: """
            Starts a private Redis and PostgreSQL, publishes recorded market data ($MILLRACE_DATA, or \
            shared/data/cryptofeed in this folder or above; simulated data where there is none) to two workers, and \
            meanwhile kills a worker, restarts PostgreSQL as a crash would, and feeds garbage. Then it compares the \
            tables with what the files say, and measures latency at a steady rate and the speed on a backlog.

            Exit code 1 when an entry is lost, stored twice, or dead without a reason. Leaves nothing behind.

            EXAMPLES
              millrace demo
              millrace demo --json
              MILLRACE_DATA=/none millrace demo      (simulated data only)
            """)

    @Option(name: .long, help: ArgumentHelp("Entries a second while things are broken.", valueName: "n"))
    var rate = 10_000

    @Option(
        name: .long,
        help: ArgumentHelp("How many of them; all recorded ones, or 200000 simulated ones.", valueName: "n"))
    var count: Int?

    @Option(name: .long, help: ArgumentHelp("Simulated entries of the backlog at the end.", valueName: "n"))
    var backlog = 200_000

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !(100...1_000_000).contains(rate) { throw ValidationError("--rate is a number from 100 to 1000000") }
        if let count, count < 1000 { throw ValidationError("--count is a number from 1000") }
        if !(1000...100_000_000).contains(backlog) { throw ValidationError("--backlog is a number from 1000") }
    }

    func run() async throws {
        let narration = Narration(output)
        narration.say("starting a private Redis and PostgreSQL")
        // Exact commit times, for the latencies.
        let servers = try await PrivateServers.start(in: nil, postgres: ["track_commit_timestamp": "on"])
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-demo-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let report = try await Demo(
                servers: servers, folder: folder, narration: narration,
                load: .init(rate: rate, count: count, backlog: backlog)
            ).run()
            await servers.stop()
            try report.print(output)
            guard report.isRight else {
                throw CommandFailure("the figures are wrong", fix: "the workers' logs are in \(folder.path)")
            }
            try? FileManager.default.removeItem(at: folder)
        } catch {
            await servers.stop()
            throw error
        }
    }
}
