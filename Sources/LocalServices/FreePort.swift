import Glibc
import Synchronization

/// A loopback port nobody listens on.
///
/// Taken from below the kernel's ephemeral range: a server that is killed and restarted on its port must not find that
/// an outgoing connection of some other process got the number meanwhile.
enum FreePort {
    private static let range: ClosedRange<UInt16> = 12_000...32_000
    /// Ports of this process: a server that was given one may not have bound it yet, or may be stopped for a while.
    private static let given = Mutex<Set<UInt16>>([])

    /// A port that no call of this process has had before.
    static func find() throws -> Int {
        for _ in 0..<500 {
            let port = UInt16.random(in: range)
            if given.withLock({ $0.insert(port).inserted }), isFree(port) { return Int(port) }
        }
        throw ServiceError("no free port on 127.0.0.1 between \(range.lowerBound) and \(range.upperBound)")
    }

    /// Starts a server on a free port, and on another one when a process of somebody else took that port meanwhile.
    ///
    /// - Parameter find: where ports come from.
    static func use<Server>(
        from find: () throws -> Int = find, _ start: (Int) async throws -> Server
    ) async throws -> Server {
        for _ in 1...4 {
            do {
                return try await start(find())
            } catch let error as ServiceError where error.isOfPortInUse {
                continue
            }
        }
        return try await start(find())
    }

    /// Whether a server accepts connections there.
    static func isListening(_ port: Int) -> Bool {
        withSocket(UInt16(clamping: port)) { connect($0, $1, $2) == 0 }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        withSocket(port) { bind($0, $1, $2) == 0 }
    }

    private static func withSocket(
        _ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
