import RecordCodec
import Records

/// The encoder of one route and the tables its rows go to; belongs to one lane.
final class RouteEncoder {
    let encoder: StreamEncoder
    /// One per table, in the order of the tables' names: the order in which every transaction writes them.
    let tables: [TableRows]
    /// The policy of each table.
    let policies: [StreamMapping]
    /// Tables whose rows go through a staging table for now, because resends were met: batches left without one.
    var staged: [String: Int] = [:]

    init(encoder: StreamEncoder, tables: [TableRows], policies: [StreamMapping]) {
        self.encoder = encoder
        self.tables = tables
        self.policies = policies
    }
}
