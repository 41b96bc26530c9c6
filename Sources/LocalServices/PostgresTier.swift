/// Where the private PostgreSQL comes from, best first.
public enum PostgresTier: Sendable, Equatable, CaseIterable {
    /// This machine's own PostgreSQL 15 or newer, with its TimescaleDB package.
    case native
    /// PostgreSQL 17 and TimescaleDB in a Debian 13 root, entered in a private mount namespace.
    case debian13Root
    /// This machine's own PostgreSQL 15 or newer without TimescaleDB.
    case plain
}
