public import Records

/// A key pattern as Redis' SCAN MATCH reads it: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and `\` before a literal.
public struct GlobPattern: Equatable, Sendable {
    private let pattern: [UInt8]

    public init(_ text: String) {
        pattern = Array(text.utf8)
    }

    public func matches(_ key: StreamKey) -> Bool {
        // Iterative, with one point to come back to: a second `*` makes the first one's choice final, so that
        // hostile keys cannot make it slow.
        let bytes = key.bytes
        var p = 0
        var k = 0
        var restart: (p: Int, k: Int)?
        while k < bytes.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                restart = (p + 1, k)
                p += 1
            } else if let next = step(p, bytes[k]) {
                p = next
                k += 1
            } else if let point = restart {
                restart = (point.p, point.k + 1)
                p = point.p
                k = point.k + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// The position after the element at `p` if it takes `byte`, else `nil`.
    private func step(_ p: Int, _ byte: UInt8) -> Int? {
        guard p < pattern.count else { return nil }
        switch pattern[p] {
        case UInt8(ascii: "?"):
            return p + 1
        case UInt8(ascii: "["):
            return stepClass(p + 1, byte)
        case UInt8(ascii: "\\") where p + 1 < pattern.count:
            return pattern[p + 1] == byte ? p + 2 : nil
        default:
            return pattern[p] == byte ? p + 1 : nil
        }
    }

    /// `p` is behind the `[`. An unclosed class ends with the pattern, as in Redis.
    private func stepClass(_ start: Int, _ byte: UInt8) -> Int? {
        var p = start
        var negated = false
        var hit = false
        if p < pattern.count, pattern[p] == UInt8(ascii: "^") {
            negated = true
            p += 1
        }
        while p < pattern.count, pattern[p] != UInt8(ascii: "]") {
            if pattern[p] == UInt8(ascii: "\\"), p + 1 < pattern.count {
                p += 1
                hit = hit || pattern[p] == byte
            } else if p + 2 < pattern.count, pattern[p + 1] == UInt8(ascii: "-") {
                let (low, high) = (min(pattern[p], pattern[p + 2]), max(pattern[p], pattern[p + 2]))
                hit = hit || (low...high).contains(byte)
                p += 2
            } else {
                hit = hit || pattern[p] == byte
            }
            p += 1
        }
        guard hit != negated else { return nil }
        return p < pattern.count ? p + 1 : p
    }
}
