import Foundation
import Glibc

/// The user a server runs as: ourselves, or an unprivileged user when we are root.
struct ServerUser: Sendable, Equatable {
    let uid: uid_t
    let gid: gid_t
    let mustDrop: Bool

    /// The first of `names` that exists on this machine, when we are root (`nobody` always does); ourselves otherwise.
    static func forServer(_ names: String...) throws -> ServerUser {
        guard geteuid() == 0 else {
            return ServerUser(uid: geteuid(), gid: getegid(), mustDrop: false)
        }
        for name in names + ["nobody"] {
            if let found = lookUp(name) { return found }
        }
        throw ServiceError("no unprivileged user to run servers as: tried \(names.joined(separator: ", ")) and nobody")
    }

    /// `command` run as this user. `deathSignal` reaches it when the supervising shell dies without doing its duty.
    func wrap(_ command: [String], deathSignal: String? = nil, droppingCapabilities: Bool = false) -> [String] {
        var words = ["setpriv"]
        if mustDrop {
            words += ["--reuid", "\(uid)", "--regid", "\(gid)", "--clear-groups"]
        }
        if droppingCapabilities {
            words += ["--ambient-caps=-all", "--inh-caps=-all"]
        }
        if let deathSignal {
            words += ["--pdeathsig", deathSignal]
        }
        return words.count == 1 ? command : words + command
    }

    /// Makes a folder only this user (and root) can enter.
    func makePrivateFolder(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try own(path)
    }

    func writePrivateFile(_ path: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        guard chmod(path, 0o600) == 0 else { throw ServiceError("cannot protect \(path)") }
        try own(path)
    }

    /// A server that cannot reach its own folder fails with a riddle; this names the folder and the user.
    func checkCanReach(_ folder: String) async throws {
        let result = try await ChildCommand.run(wrap(["test", "-x", folder]))
        guard result.status == 0 else {
            throw ServiceError(
                "\(folder) cannot be entered by user \(uid), as whom servers run: choose a folder outside private homes"
            )
        }
    }

    private func own(_ path: String) throws {
        guard !mustDrop || chown(path, uid, gid) == 0 else {
            throw ServiceError("cannot give \(path) to user \(uid)")
        }
    }

    private static func lookUp(_ name: String) -> ServerUser? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return ServerUser(uid: entry.pw_uid, gid: entry.pw_gid, mustDrop: true)
    }
}
