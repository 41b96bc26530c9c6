import Foundation
import Glibc

/// Finds the first usable PostgreSQL, making the Debian 13 root where that is the way to TimescaleDB.
enum PostgresFinder {
    /// Throws a `ServiceError` that says for every tier why it is not usable.
    static func find(_ tiers: [PostgresTier], user: ServerUser) async throws -> PostgresInstallation {
        var reasons: [String] = []
        for tier in tiers {
            do {
                var found = try await find(tier, user: user)
                found.reasons = reasons
                return found
            } catch let error as ServiceError {
                reasons.append(error.description)
            }
        }
        throw ServiceError("no PostgreSQL to run: " + reasons.joined(separator: "; "))
    }

    private static func find(_ tier: PostgresTier, user: ServerUser) async throws -> PostgresInstallation {
        switch tier {
        case .native:
            guard let found = PostgresInstallation.installed(in: nil).first(where: { $0.timescaleVersion != nil })
            else { throw ServiceError("no PostgreSQL 15+ with TimescaleDB in /usr/lib/postgresql") }
            return PostgresInstallation(
                tier: tier, major: found.major, binFolder: found.binFolder, root: nil,
                timescaleVersion: found.timescaleVersion)
        case .debian13Root:
            return try await findInRoot(user: user)
        case .plain:
            guard let found = PostgresInstallation.installed(in: nil).first
            else { throw ServiceError("no PostgreSQL 15+ in /usr/lib/postgresql (Debian: apt-get install postgresql)") }
            return PostgresInstallation(
                tier: tier, major: found.major, binFolder: found.binFolder, root: nil, timescaleVersion: nil)
        }
    }

    private static func findInRoot(user: ServerUser) async throws -> PostgresInstallation {
        let root = try await completeRoot()
        guard let found = PostgresInstallation.installed(in: root).first(where: { $0.timescaleVersion != nil })
        else { throw ServiceError("\(root) has no PostgreSQL with TimescaleDB: remove it to have it made again") }
        let installation = PostgresInstallation(
            tier: .debian13Root, major: found.major, binFolder: found.binFolder, root: root,
            timescaleVersion: found.timescaleVersion)
        try await ChildCommand.check(
            installation.command("postgres", ["--version"], folder: "/tmp", user: user),
            doing: "cannot enter \(root) (it takes root, or unprivileged user namespaces)")
        return installation
    }

    private static func completeRoot() async throws -> String {
        let candidates = [try ServiceFolder.cache(), ServiceFolder.sharedCache].map { $0 + "/trixie-pg17" }
        if let ready = candidates.first(where: isComplete) { return ready }
        try await ChildCommand.check(
            ["sh", "-c", Scripts.timescaleRoot, "timescaledb-root", candidates[0]], doing: "no TimescaleDB root")
        return candidates[0]
    }

    private static func isComplete(_ root: String) -> Bool {
        FileManager.default.fileExists(atPath: root + "/.millrace-complete")
    }
}
