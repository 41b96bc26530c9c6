/// The version that `--version`, `version` and messages give.
enum ProgramVersion {
    static let current = "0.1.0"
}
