/// Which way bytes go through a ``CuttingProxy``.
public enum ProxyDirection: Int, CaseIterable, Hashable, Sendable {
    case toServer, toClient
}

/// What a ``CuttingProxy`` does to the bytes of one direction, over all its connections.
struct ProxyRules: Sendable {
    /// Bytes are taken from nobody and given to nobody; the connections stay.
    var isStalled = false
    /// Bytes are taken and lost.
    var swallows = false
    var latency: Duration = .zero
    /// Bytes a second, of each connection.
    var rate: Int?
    /// After so many more bytes the connection that passes them is cut.
    var cutAfter: Int?
    /// When a cut was made, the next comes after a random number of bytes out of this range.
    var cutsEvery: ClosedRange<Int>?
    /// The connection is cut right before these bytes come by for the n-th time.
    var pattern: (bytes: [UInt8], occurrence: Int)?
    /// With a cut the server is gone: nobody gets a connection to it.
    var cutsForGood = false
    /// When these bytes come by, everything that comes back from then on is lost.
    var lastWords: [UInt8]?

    /// Whether the answers to this piece must be lost.
    mutating func endsConversation(_ piece: ArraySlice<UInt8>) -> Bool {
        guard let bytes = lastWords, find(bytes, in: piece) != nil else { return false }
        lastWords = nil
        return true
    }

    /// What becomes of a piece: so many of its bytes go on; then the connection is cut, or not.
    mutating func pass(_ piece: ArraySlice<UInt8>) -> (count: Int, isCut: Bool) {
        if let (bytes, occurrence) = pattern, let at = find(bytes, in: piece) {
            if occurrence <= 1 {
                pattern = nil
                return (at - piece.startIndex, true)
            }
            pattern = (bytes, occurrence - 1)
            let behind = at - piece.startIndex + bytes.count
            let rest = pass(piece.dropFirst(behind))
            return (behind + rest.count, rest.isCut)
        }
        guard let left = cutAfter else { return (piece.count, false) }
        guard piece.count >= left else {
            cutAfter = left - piece.count
            return (piece.count, false)
        }
        cutAfter = cutsEvery.map { Int.random(in: $0) }
        return (left, true)
    }

    private func find(_ bytes: [UInt8], in piece: ArraySlice<UInt8>) -> Int? {
        guard bytes.count <= piece.count, let first = bytes.first else { return nil }
        return (piece.startIndex...(piece.endIndex - bytes.count)).first { start in
            piece[start] == first && piece[start..<(start + bytes.count)].elementsEqual(bytes)
        }
    }
}
