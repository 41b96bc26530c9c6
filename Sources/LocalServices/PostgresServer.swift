import Foundation

/// A data folder and the programs that serve it: what `LocalPostgres` and the cluster template have in common.
///
/// `folder` holds `data` (the cluster), `socket`, `password` and `log`.
struct PostgresServer: Sendable {
    let installation: PostgresInstallation
    let user: ServerUser
    let folder: String
    let port: Int
    var settings: [String: String] = [:]
    var isThrowAway = false

    var visibleFolder: String { installation.visible(folder) }

    /// Starts the server and returns when it accepts connections.
    func launch() async throws -> SupervisedProcess {
        try user.makePrivateFolder(folder + "/socket")
        try user.writePrivateFile(
            "\(folder)/data/\(PostgresSettings.includedFile)",
            PostgresSettings.file(installation: installation, folder: folder, port: port, settings: settings))
        let process = try await SupervisedProcess.start(
            SupervisedProcess.Plan(
                folder: folder,
                command: installation.command(
                    "postgres", ["-D", visibleFolder + "/data"], folder: folder, user: user, deathSignal: "QUIT"),
                orphanSignal: isThrowAway ? "QUIT" : "INT", isThrowAway: isThrowAway))
        let pidFile = folder + "/data/postmaster.pid"
        try await Readiness.wait(for: "postgres", process: process, folder: folder, within: .seconds(120)) {
            Self.isReady(pidFile, pid: process.pid)
        }
        return process
    }

    /// Runs SQL as the superuser through the server's own `psql`, over the socket; returns the unaligned output.
    @discardableResult
    func sql(_ statements: [String], database: String) async throws -> String {
        try await ChildCommand.check(
            installation.command("psql", psqlArguments(database: database), folder: folder, user: user),
            input: statements.joined(separator: ";\n") + ";\n", doing: "psql in \(folder)")
    }

    private func psqlArguments(database: String) -> [String] {
        ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
            + ["--host", visibleFolder + "/socket", "--port", "\(port)"]
            + ["--username", PostgresSettings.superuser, "--dbname", database]
    }

    /// What `pg_ctl --wait` looks at: the first line is the process, the eighth its state.
    private static func isReady(_ pidFile: String, pid: Int32) -> Bool {
        guard let data = FileManager.default.contents(atPath: pidFile) else { return false }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.count >= 8 && lines[0] == "\(pid)" && lines[7].hasPrefix("ready")
    }
}
