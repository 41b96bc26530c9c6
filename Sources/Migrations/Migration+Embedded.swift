extension Migration {
    /// The steps that this program ships, from `sql/migrations`, ascending.
    public static let shipped: [Migration] = [
        Migration(
            1, "ingest_ledger",
            up: text(PackageResources.m0001_ingest_ledger_up_sql),
            down: text(PackageResources.m0001_ingest_ledger_down_sql)),
        Migration(
            2, "market_data",
            up: text(PackageResources.m0002_market_data_up_sql),
            down: text(PackageResources.m0002_market_data_down_sql)),
        Migration(
            3, "business",
            up: text(PackageResources.m0003_business_up_sql),
            down: text(PackageResources.m0003_business_down_sql)),
        Migration(
            4, "dead_letter_replay",
            up: text(PackageResources.m0004_dead_letter_replay_up_sql),
            down: text(PackageResources.m0004_dead_letter_replay_down_sql)),
        Migration(
            5, "lifecycle",
            up: text(PackageResources.m0005_lifecycle_up_sql),
            down: text(PackageResources.m0005_lifecycle_down_sql)),
        Migration(
            6, "aggregates",
            up: text(PackageResources.m0006_aggregates_up_sql),
            down: text(PackageResources.m0006_aggregates_down_sql)),
        Migration(
            7, "roles",
            up: text(PackageResources.m0007_roles_up_sql),
            down: text(PackageResources.m0007_roles_down_sql)),
        Migration(
            8, "comments",
            up: text(PackageResources.m0008_comments_up_sql),
            down: text(PackageResources.m0008_comments_down_sql)),
        Migration(
            9, "quick_letters",
            up: text(PackageResources.m0009_quick_letters_up_sql),
            down: text(PackageResources.m0009_quick_letters_down_sql)),
        Migration(
            10, "partition_triggers",
            up: text(PackageResources.m0010_partition_triggers_up_sql),
            down: text(PackageResources.m0010_partition_triggers_down_sql)),
        Migration(
            11, "definer_search_path",
            up: text(PackageResources.m0011_definer_search_path_up_sql),
            down: text(PackageResources.m0011_definer_search_path_down_sql)),
    ]

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
