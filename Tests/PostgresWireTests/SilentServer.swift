import Foundation

/// A socket that speaks as much of PostgreSQL's protocol as a test needs, and then falls silent.
final class SilentServer: Sendable {
    enum Behaviour: Sendable {
        /// Accepts and says nothing.
        case neverAnswers
        /// Lets the client in, answers its first query with "send the rows", and reads nothing of them.
        case neverReadsRows
    }

    let port: UInt16
    private let listener: Int32
    private let behaviour: Behaviour

    init(_ behaviour: Behaviour) throws {
        self.behaviour = behaviour
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listening = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listening, address, length) == 0 && listen(listening, 4) == 0
                    && getsockname(listening, address, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        if behaviour == .neverReadsRows { serve() }
    }

    deinit { close(listener) }

    private func serve() {
        let listener = self.listener
        Thread.detachNewThread {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            Self.read(client)
            Self.send(client, "R", [0, 0, 0, 0])
            for (name, value) in [
                ("server_version", "17.0"), ("default_transaction_read_only", "off"), ("in_hot_standby", "off"),
            ] {
                Self.send(client, "S", Array(name.utf8) + [0] + Array(value.utf8) + [0])
            }
            Self.send(client, "Z", Array("I".utf8))
            Self.read(client)
            Self.send(client, "G", [1, 0, 0])
        }
    }

    /// One message of the client; tests send short ones.
    private static func read(_ client: Int32) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        _ = recv(client, &buffer, buffer.count, 0)
    }

    private static func send(_ client: Int32, _ type: Character, _ body: [UInt8]) {
        var message = [type.asciiValue ?? 0]
        withUnsafeBytes(of: UInt32(body.count + 4).bigEndian) { message += $0 }
        message += body
        _ = Foundation.send(client, message, message.count, 0)
    }
}
