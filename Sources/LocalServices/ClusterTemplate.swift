import Foundation
import Glibc

/// A freshly made cluster, kept in the cache folder and copied for every new data folder: `initdb` and CREATE EXTENSION
/// take seconds, the copy a tenth of one.
///
/// It has the superuser with a random password (kept beside it, readable only by the server's user and root), the
/// database `millrace`, and `millrace_template` with the extension in it.
enum ClusterTemplate {
    /// Counts up when the content of a template changes.
    private static let format = 1

    /// Puts `data` and `password` into `folder`, making the template first if this machine has none.
    static func copy(to folder: String, installation: PostgresInstallation, user: ServerUser) async throws {
        let template = try await ready(installation: installation, user: user)
        let unfinished = folder + "/data.new"
        let copied = ["rm", "-rf", unfinished]
        try await ChildCommand.check(copied, doing: "clearing \(unfinished)")
        for (from, to) in [("data", "data.new"), ("password", "password")] {
            try await ChildCommand.check(
                ["cp", "--archive", "--reflink=auto", "\(template)/\(from)", "\(folder)/\(to)"],
                doing: "copying the cluster template \(template)")
        }
        guard rename(unfinished, folder + "/data") == 0 else { throw ServiceError("cannot rename \(unfinished)") }
    }

    private static func ready(installation: PostgresInstallation, user: ServerUser) async throws -> String {
        let parent = try ServiceFolder.make(try ServiceFolder.cache() + "/clusters")
        let version = installation.timescaleVersion.map { "-ts\($0)" } ?? ""
        let template = "\(parent)/pg\(installation.major)\(version)-uid\(user.uid)-v\(format)"
        if isComplete(template) { return template }
        let lock = try await FolderLock.acquire(parent)
        defer { withExtendedLifetime(lock) {} }
        if isComplete(template) { return template }
        let unfinished = template + ".building"
        try await ChildCommand.check(["rm", "-rf", unfinished], doing: "clearing \(unfinished)")
        try await build(in: ServiceFolder.make(unfinished), installation: installation, user: user)
        guard rename(unfinished, template) == 0 else { throw ServiceError("cannot rename \(unfinished)") }
        return template
    }

    private static func isComplete(_ template: String) -> Bool {
        FileManager.default.fileExists(atPath: template + "/password")
    }

    private static func build(in folder: String, installation: PostgresInstallation, user: ServerUser) async throws {
        let server = PostgresServer(
            installation: installation, user: user, folder: folder, port: try FreePort.find(),
            settings: ["timescaledb.max_background_workers": "0"], isThrowAway: true)
        try user.makePrivateFolder(folder + "/data")
        try await user.checkCanReach(folder + "/data")
        try user.writePrivateFile(folder + "/password", randomPassword() + "\n")
        try await ChildCommand.check(
            installation.command("initdb", initdbArguments(server.visibleFolder), folder: folder, user: user),
            doing: "initdb in \(folder)")
        try append("include_if_exists '\(PostgresSettings.includedFile)'\n", to: folder + "/data/postgresql.conf")
        let process = try await server.launch()
        try await server.sql(contents(installation), database: "postgres")
        process.send(SIGINT)
        await process.waitForExit(killingAfter: .seconds(60))
    }

    private static func initdbArguments(_ folder: String) -> [String] {
        ["--pgdata", folder + "/data", "--username", PostgresSettings.superuser, "--pwfile", folder + "/password"]
            + ["--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync"]
    }

    /// Connections to the template are forbidden last, or TimescaleDB's scheduler would sit in it and forbid copies.
    private static func contents(_ installation: PostgresInstallation) -> [String] {
        let name = PostgresSettings.templateDatabase
        let extend = installation.timescaleVersion == nil ? [] : ["CREATE EXTENSION timescaledb"]
        return ["CREATE DATABASE \(name)", "\\connect \(name)"] + extend + ["\\connect postgres"]
            + ["ALTER DATABASE \(name) IS_TEMPLATE true ALLOW_CONNECTIONS false"]
            + ["CREATE DATABASE \(PostgresSettings.superuser) TEMPLATE \(name)"]
    }

    private static func randomPassword() -> String {
        (0..<4).map { _ in String(UInt64.random(in: 0 ... .max), radix: 36) }.joined()
    }

    private static func append(_ text: String, to path: String) throws {
        guard let handle = FileHandle(forWritingAtPath: path) else { throw ServiceError("cannot write \(path)") }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }
}
