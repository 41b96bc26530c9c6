import Foundation

/// One set of PostgreSQL programs and how to run them.
struct PostgresInstallation: Sendable, Equatable {
    let tier: PostgresTier
    /// `17`: decides whether a data folder fits.
    let major: Int
    /// The folder of the programs, as seen from inside `root`.
    let binFolder: String
    /// The system root to enter, nil for this machine's own.
    let root: String?
    /// The default version of the extension, nil where it is not installed.
    let timescaleVersion: String?
    /// Why no better tier serves.
    var reasons: [String] = []

    static let oldestMajor = 15

    /// One line for people.
    var description: String {
        let place = root.map { "the Debian 13 root \($0)" } ?? "this machine's packages"
        guard let timescaleVersion else {
            let because = reasons.isEmpty ? "" : " (\(reasons.joined(separator: "; ")))"
            return "PostgreSQL \(major) without TimescaleDB, from \(place)\(because)"
        }
        return "PostgreSQL \(major) with TimescaleDB \(timescaleVersion), from \(place)"
    }

    /// The words that run `tool`. `folder` is what it can see as `visible(folder)`.
    func command(
        _ tool: String, _ arguments: [String], folder: String, user: ServerUser, deathSignal: String? = nil
    ) -> [String] {
        let program = ["\(binFolder)/\(tool)"] + arguments
        guard let root else {
            return user.wrap(program, deathSignal: deathSignal)
        }
        let asOrdinaryUser = user.mustDrop ? [] : ["--user", "--map-current-user", "--keep-caps"]
        return ["unshare"] + asOrdinaryUser + ["--mount", "--propagation", "private"]
            + ["sh", "-c", Scripts.enterRoot, "enter-root", root, folder]
            + user.wrap(program, deathSignal: deathSignal, droppingCapabilities: !user.mustDrop)
    }

    /// The path under which the programs see `folder`.
    func visible(_ folder: String) -> String {
        root == nil ? folder : "/mnt"
    }

    /// The installations below `root`, newest first.
    static func installed(in root: String?) -> [(major: Int, binFolder: String, timescaleVersion: String?)] {
        let base = "/usr/lib/postgresql"
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: (root ?? "") + base)) ?? []
        return folders.compactMap(Int.init).sorted(by: >).compactMap { major in
            let binFolder = "\(base)/\(major)/bin"
            let server = "\(root ?? "")\(binFolder)/postgres"
            guard major >= oldestMajor, FileManager.default.isExecutableFile(atPath: server) else { return nil }
            return (major, binFolder, extensionVersion(in: root, major: major))
        }
    }

    private static func extensionVersion(in root: String?, major: Int) -> String? {
        let path = "\(root ?? "")/usr/share/postgresql/\(major)/extension/timescaledb.control"
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("default_version")
        }
        return line?.split(separator: "'").dropFirst().first.map(String.init)
    }
}
