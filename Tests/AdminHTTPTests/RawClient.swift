import Foundation
import Glibc

/// A client that sends exactly the bytes it is given and reads until the server closes.
enum RawClient {
    struct Reply: Sendable {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    static func get(
        _ path: String, port: Int, host: String? = "127.0.0.1", method: String = "GET", headers: [String] = []
    ) async -> Reply? {
        let lines =
            ["\(method) \(path) HTTP/1.1", "Connection: close"] + (host.map { ["Host: \($0)"] } ?? []) + headers
        let text = lines.joined(separator: "\r\n") + "\r\n\r\n"
        return await withCheckedContinuation { continuation in
            // Of its own: the pool may be what the server waits for.
            Thread.detachNewThread { continuation.resume(returning: exchange(text, port: port)) }
        }
    }

    private static func exchange(_ request: String, port: Int) -> Reply? {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafeBytes(of: &address) { bytes in
            connect(socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard connected == 0 else { return nil }
        let bytes = Array(request.utf8)
        guard send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return nil }
        var reply: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(socket, &piece, piece.count, 0)
            if count <= 0 { break }
            reply += piece[..<count]
        }
        return parse(String(decoding: reply, as: UTF8.self))
    }

    private static func parse(_ text: String) -> Reply? {
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        return Reply(status: status, headers: headers, body: String(text[end.upperBound...]))
    }
}
