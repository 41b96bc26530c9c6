import RecordCodec
import Records

/// Which mappings take the entries of a stream, in the configuration's order.
struct Routes: Sendable {
    /// A set of mappings that some streams share.
    struct RouteID: Hashable, Sendable {
        let mappings: [Int]
    }

    private let patterns: [[GlobPattern]]
    private let tables: [String]
    /// Every key and pattern of the configuration, for discovery.
    let keys: [String]

    init(_ mappings: [StreamMapping]) {
        patterns = mappings.map { $0.keys.map(GlobPattern.init) }
        tables = mappings.map(\.table)
        var seen: Set<String> = []
        keys = mappings.flatMap(\.keys).filter { seen.insert($0).inserted }
    }

    /// `nil` when no mapping names the stream.
    func route(of stream: StreamKey) -> RouteID? {
        let found = patterns.indices.filter { index in patterns[index].contains { $0.matches(stream) } }
        return found.isEmpty ? nil : RouteID(mappings: found)
    }

    /// The tables that a route's mappings write to.
    func tables(of route: RouteID) -> Set<String> { Set(route.mappings.map { tables[$0] }) }

    /// Whether no two of the routes write to the same table.
    func areDisjoint(_ routes: [RouteID]) -> Bool {
        var seen: Set<String> = []
        for route in routes {
            let targets = self.tables(of: route)
            guard seen.isDisjoint(with: targets) else { return false }
            seen.formUnion(targets)
        }
        return true
    }
}
