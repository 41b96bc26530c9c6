import Foundation
import Glibc
import IngestTesting

/// Asks a worker's HTTP endpoint, and waits until it is there.
enum HTTPProbe {
    struct Reply: Sendable {
        var status: Int
        var body: String

        /// The sum of a series over all its labels; `nil` when there is none.
        func series(_ name: String, _ labels: String = "") -> Double? {
            let values = body.split(separator: "\n").compactMap { line -> Double? in
                let isIt = line.hasPrefix(name + " ") || line.hasPrefix(name + "{")
                guard isIt, labels.isEmpty || line.contains(labels) else { return nil }
                return line.split(separator: " ").last.flatMap { Double($0) }
            }
            return values.isEmpty ? nil : values.reduce(0, +)
        }
    }

    /// A port that nobody listens on now.
    static func freePort() -> Int {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = bind(socket, address, length)
                _ = getsockname(socket, address, &length)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// `nil` while nobody answers.
    static func get(_ path: String, port: Int) async -> Reply? {
        let request = "GET \(path) HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\n\r\n"
        let text = try? await onThread { exchange(Array(request.utf8), port: port) }
        guard let text, let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let words = text.split(separator: " ", maxSplits: 2)
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        return Reply(status: status, body: String(text[end.upperBound...]))
    }

    /// Asks until the answer is as wanted.
    static func get(
        _ path: String, port: Int, within limit: Duration = .seconds(60), until condition: (Reply) -> Bool
    ) async throws -> Reply? {
        let end = ContinuousClock.now + limit
        var last: Reply?
        repeat {
            last = await get(path, port: port)
            if let last, condition(last) { return last }
            try await Task.sleep(for: .milliseconds(50))
        } while .now < end
        return last
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func exchange(_ request: [UInt8], port: Int) -> String {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = loopback(port: port)
        let connected = withUnsafeBytes(of: &address) { bytes in
            connect(socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard connected == 0, send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            return ""
        }
        var reply: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(socket, &piece, piece.count, 0)
            if count <= 0 { break }
            reply += piece[..<count]
        }
        return String(decoding: reply, as: UTF8.self)
    }
}
