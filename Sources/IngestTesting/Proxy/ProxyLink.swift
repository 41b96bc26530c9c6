import Glibc
import Synchronization

/// One connection through a proxy: two sockets, closed when both directions are done.
final class ProxyLink: Sendable {
    let client: Int32
    let server: Int32
    private let open = Mutex(2)

    init(client: Int32, server: Int32) {
        (self.client, self.server) = (client, server)
    }

    func source(_ direction: ProxyDirection) -> Int32 { direction == .toServer ? client : server }
    func target(_ direction: ProxyDirection) -> Int32 { direction == .toServer ? server : client }

    /// Ends both sockets. Not by `close()`: while another thread reads, that would leave the peer's session open.
    func cut() {
        open.withLock { open in
            guard open > 0 else { return }
            shutdown(client, Int32(SHUT_RDWR))
            shutdown(server, Int32(SHUT_RDWR))
        }
    }

    /// One direction is done; the other ends with it.
    func finished() {
        cut()
        open.withLock { open in
            open -= 1
            guard open == 0 else { return }
            close(client)
            close(server)
        }
    }
}

/// Sockets on 127.0.0.1.
enum LoopbackSocket {
    /// A listening socket on a free port.
    static func listen() -> (descriptor: Int32, port: Int)? {
        guard let descriptor = make() else { return nil }
        var address = address(port: 0)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        var bound = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isNamed = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
        }
        guard isBound, isNamed, Glibc.listen(descriptor, 64) == 0 else {
            close(descriptor)
            return nil
        }
        return (descriptor, Int(UInt16(bigEndian: bound.sin_port)))
    }

    /// `nil` when nobody listens there.
    static func connect(to port: Int) -> Int32? {
        guard let descriptor = make() else { return nil }
        var address = address(port: UInt16(port))
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if !isConnected { close(descriptor) }
        return isConnected ? descriptor : nil
    }

    private static func make() -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        return descriptor < 0 ? nil : descriptor
    }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
