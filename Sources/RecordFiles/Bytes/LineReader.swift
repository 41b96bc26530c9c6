import Glibc

/// Lines of a file, without their line feed; a carriage return before it stays.
struct LineReader: ~Copyable {
    private var source: InflatingBytes
    private let limit: Int
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// Of the line returned last, from 1.
    private(set) var number = 0

    init(_ source: consuming InflatingBytes, limit: Int) {
        self.source = source
        self.limit = limit
    }

    /// - Parameter pending: bytes that the caller holds already of a record that spans lines.
    mutating func next(pending: Int = 0) throws(ReadFailure) -> [UInt8]? {
        var searched = start
        while true {
            if let end = indexOfLineFeed(from: searched) { return take(to: end) }
            searched = buffer.count
            if buffer.count - start + pending > limit {
                number += 1
                throw ReadFailure("a record is longer than \(limit) bytes")
            }
            if isAtEnd { return start < buffer.count ? take(to: buffer.count) : nil }
            if start > 0 {
                buffer.removeSubrange(..<start)
                searched -= start
                start = 0
            }
            isAtEnd = try !source.read(into: &buffer)
        }
    }

    private func indexOfLineFeed(from index: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard index < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + index, 0x0A, bytes.count - index)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    private mutating func take(to end: Int) -> [UInt8] {
        var line = buffer[start..<end]
        start = min(end + 1, buffer.count)
        number += 1
        if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
        return Array(line)
    }
}
