import Foundation

/// Where programs are.
enum Programs {
    private static let folders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"]

    static func find(_ name: String, package: String) throws -> String {
        guard let path = findIfAny(name) else {
            throw ServiceError("\(name) is not installed (Debian: apt-get install \(package); or make setup as root)")
        }
        return path
    }

    static func findIfAny(_ name: String) -> String? {
        let searched = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (searched + folders).map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
