/// How log lines look.
public enum LogFormat: String, CaseIterable, Sendable {
    /// `2026-01-02T03:04:05.678Z INFO  message key=value`
    case text
    /// One object a line: `time`, `level`, `logger`, `message`, then the metadata.
    case json
}
