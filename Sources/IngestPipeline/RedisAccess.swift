public import RedisWire
import Synchronization

/// Where Redis is and with which password, for all connections of a process. Thread-safe.
///
/// Passwords are changed while workers run: where the password is from a file, the file is read again when Redis
/// refuses it.
public final class RedisAccess: Sendable {
    private let state: Mutex<RedisEndpoint>
    private let readPassword: @Sendable () -> RedisPassword?

    /// - Parameter readPassword: the password as its file has it now; `nil` without a file, or when it cannot be read.
    public init(_ endpoint: RedisEndpoint, readPassword: @escaping @Sendable () -> RedisPassword? = { nil }) {
        state = Mutex(endpoint)
        self.readPassword = readPassword
    }

    public var endpoint: RedisEndpoint { state.withLock(\.self) }

    /// Takes the password as it is now. Returns whether it is another one.
    func reread() -> Bool {
        guard let password = readPassword() else { return false }
        return state.withLock { known in
            // Whether the password may travel was decided when the endpoint was made.
            guard password != known.password,
                let endpoint = try? RedisEndpoint(
                    address: known.address, user: known.user, password: password, database: known.database,
                    insecureOK: true)
            else { return false }
            known = endpoint
            return true
        }
    }
}
