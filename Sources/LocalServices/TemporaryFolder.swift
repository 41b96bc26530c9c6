import Foundation
import Glibc

/// A folder of servers that nobody wants to keep; the servers hold it, and it goes with the last of them.
///
/// Below /var/tmp, because /tmp may be memory. Our lock on it says that its owner lives; the locks on the services'
/// folders in it say that servers live. If we are killed, the supervising shells remove it; if they are killed too, the
/// next `init` of any process does.
final class TemporaryFolder: Sendable {
    let path: String
    private let lock: FolderLock

    private static let parent = "/var/tmp"
    private static let prefix = "millrace-\(geteuid())-"

    init() throws {
        Self.removeLeftovers()
        var template = Array("\(Self.parent)/\(Self.prefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ServiceError("cannot make a folder in \(Self.parent)") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard chmod(path, 0o711) == 0, let lock = FolderLock.acquireIfFree(path) else {
            throw ServiceError("cannot open \(path) to the servers' users")
        }
        self.lock = lock
    }

    deinit {
        if !Self.hasServers(path) { remove() }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Removes what processes left that were killed together with the shells that would have tidied up.
    static func removeLeftovers() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let folder = "\(parent)/\(name)"
            guard isOurs(folder), let lock = FolderLock.acquireIfFree(folder), !hasServers(folder) else { continue }
            withExtendedLifetime(lock) { _ = try? FileManager.default.removeItem(atPath: folder) }
        }
    }

    /// /var/tmp is everybody's, so a name alone proves nothing; and one made just now may not be locked yet.
    private static func isOurs(_ folder: String) -> Bool {
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            return false
        }
        return time(nil) - status.st_mtim.tv_sec > 10
    }

    private static func hasServers(_ folder: String) -> Bool {
        let services = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return services.contains { FolderLock.acquireIfFree("\(folder)/\($0)") == nil }
    }
}
