import RecordCodec
import Records

/// Which mappings take the entries of a stream, in the configuration's order.
struct Routes: Sendable {
    /// A set of mappings that some streams share.
    struct RouteID: Hashable, Sendable {
        let mappings: [Int]
    }

    private let patterns: [[GlobPattern]]
    /// Every key and pattern of the configuration, for discovery.
    let keys: [String]

    init(_ mappings: [StreamMapping]) {
        patterns = mappings.map { $0.keys.map(GlobPattern.init) }
        var seen: Set<String> = []
        keys = mappings.flatMap(\.keys).filter { seen.insert($0).inserted }
    }

    /// `nil` when no mapping names the stream.
    func route(of stream: StreamKey) -> RouteID? {
        let found = patterns.indices.filter { index in patterns[index].contains { $0.matches(stream) } }
        return found.isEmpty ? nil : RouteID(mappings: found)
    }
}
