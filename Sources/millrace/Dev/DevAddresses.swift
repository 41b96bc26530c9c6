import Foundation
import Glibc
import Migrations

/// Where the private servers of `dev` are, and what to do with them.
struct DevAddresses: Encodable {
    var redis: String
    /// With the password: the server is private, and only this machine reaches it.
    var postgres: String
    var http: String
    /// `nil` when the data goes with the servers.
    var data: String?
    var tier: DatabaseTier
    /// Which PostgreSQL serves, and why no better one.
    var postgresProgram: String
    /// Neither tables nor streams lose anything by age.
    var retention = "off"
    var pid = getpid()

    private enum CodingKeys: String, CodingKey {
        case redis, postgres, http, data, tier, retention, pid
        case postgresProgram = "postgres_program"
    }

    func print(_ output: OutputOptions) throws {
        if output.isJSON { return try Output.json(self) }
        let lines =
            [
                "redis      \(redis)", "postgres   \(postgres)", "http       \(http)  (/healthz /readyz /metrics)",
                "database   \(tier.sentence)",
            ] + (tier.name == .plain ? ["           \(postgresProgram)"] : [])
            + [
                "data       \(data ?? "temporary: goes when this ends")",
                "retention  off: nothing is deleted by age, in tables or streams",
            ]
        Output.print("millrace \(ProgramVersion.current) dev")
        Output.print("")
        for line in lines { Output.print("  " + SafeText.escape(line)) }
        Output.print("")
        Output.print("In another terminal:")
        Output.print("")
        for line in suggestions(program: Self.program) { Output.print("  " + SafeText.escape(line)) }
        Output.print("")
        Output.print("Ctrl-C stops all of it. What follows is the worker's log.")
    }

    /// Lines for a shell.
    func suggestions(program: String) -> [String] {
        let recorded = RecordedFiles.find().map { files in
            ["\(program) publish --file \(Self.quoted(files.paths.first ?? ""))"]
        }
        let export = "export MILLRACE_REDIS_URL='\(redis)' MILLRACE_POSTGRES_URL='\(postgres)'"
        return [export, "\(program) generate all --publish --rate 1000 --count 30000"]
            + (recorded ?? [])
            + [
                #"psql "$MILLRACE_POSTGRES_URL" -c 'SELECT exchange, symbol, count(*) FROM market_data_trades GROUP BY 1, 2'"#,
                "\(program) stats",
                "curl -s \(http)/metrics | grep rows_committed",
            ]
    }

    /// How the command can be called from the same folder.
    static var program: String {
        let name = CommandLine.arguments.first ?? "millrace"
        return name.contains("/") ? quoted(URL(filePath: name).path) : "millrace"
    }

    static func quoted(_ path: String) -> String {
        let isPlain = path.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+".contains($0)) }
        return isPlain ? path : "'" + path.replacing("'", with: "'\\''") + "'"
    }
}
