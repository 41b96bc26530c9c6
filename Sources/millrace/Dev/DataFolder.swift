import Foundation
import Glibc

/// Where `dev` keeps its data.
enum DataFolder {
    /// Servers started by root run as other users, who cannot enter root's home.
    static let ofRoot = "/var/lib/millrace/dev"

    /// The folder given, else `$XDG_DATA_HOME/millrace`, else `~/.local/share/millrace`; for root ``ofRoot``.
    static func path(_ given: String?) throws(CommandFailure) -> String {
        if let given { return URL(filePath: given).standardizedFileURL.path }
        if geteuid() == 0 { return ofRoot }
        if let base = Terminal.environment("XDG_DATA_HOME"), base.hasPrefix("/") { return base + "/millrace" }
        guard let home = Terminal.environment("HOME"), home.hasPrefix("/") else {
            throw CommandFailure(
                "no folder for the data: HOME is not set", fix: "give one with --data DIR, or use --temporary",
                status: ExitStatus.wrongUse)
        }
        return home + "/.local/share/millrace"
    }
}
