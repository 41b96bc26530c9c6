/// The shell text compiled into this module; `Scripts/` is its only source.
enum Scripts {
    static let supervise = text(PackageResources.supervise_sh)
    static let enterRoot = text(PackageResources.enter_root_sh)
    static let timescaleRoot = text(PackageResources.timescaledb_root_sh)

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
