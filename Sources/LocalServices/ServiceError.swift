/// Why a private server could not be started or used: one sentence that names the thing and, where it is known,
/// what to install or change.
public struct ServiceError: Error, CustomStringConvertible, Sendable {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
