/// Why a private server could not be started or used: one sentence that names the thing and, where it is known,
/// what to install or change.
public struct ServiceError: Error, CustomStringConvertible, Sendable {
    public let description: String

    init(_ description: String) {
        self.description = description
    }

    /// Whether the server's log, which ends the sentence, says so; both servers use the system's words.
    var isOfPortInUse: Bool { description.contains("Address already in use") }
}
