import Foundation
import Glibc

/// The folders servers live in.
enum ServiceFolder {
    /// Makes the folder if it is not there, and returns its absolute path without symbolic links.
    ///
    /// The path is limited to what leaves room for a socket in it: a Unix socket's path has 107 bytes.
    static func make(_ path: String) throws -> String {
        guard URL(fileURLWithPath: path).path.utf8.count <= 80 else {
            throw ServiceError("\(path) is too long a path for a folder with a Unix socket in it (limit 80 bytes)")
        }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw ServiceError("cannot make the folder \(path)")
        }
        return URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }

    /// Where roots and cluster templates are kept between runs: `MILLRACE_CACHE`, else `/var/cache/millrace` for root and
    /// `~/.cache/millrace` for others.
    static func cache() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        if let chosen = environment["MILLRACE_CACHE"], !chosen.isEmpty { return chosen }
        if geteuid() == 0 { return sharedCache }
        if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return base + "/millrace" }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw ServiceError("no folder for cached data: set MILLRACE_CACHE or HOME")
        }
        return home + "/.cache/millrace"
    }

    static let sharedCache = "/var/cache/millrace"
}
