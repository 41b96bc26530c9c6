public import Logging

/// Writes each event as one line with one call, so that lines of several threads never mix.
public struct LineLogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: LogFormat
    private let clock: @Sendable () -> LogTime
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - clock: the time of events; the system's by default.
    ///   - write: takes a line with its line feed; standard error by default.
    public init(
        label: String, level: Logger.Level = .info, format: LogFormat,
        clock: @escaping @Sendable () -> LogTime = LogTime.now,
        write: @escaping @Sendable (String) -> Void = StandardError.write
    ) {
        self.label = label
        logLevel = level
        self.format = format
        self.clock = clock
        self.write = write
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { _, new in new } }
        if let own = event.metadata { merged.merge(own) { _, new in new } }
        if let error = event.error, merged["error"] == nil { merged["error"] = "\(error)" }
        let pairs = merged.sorted { $0.key < $1.key }
        switch format {
        case .text: write(text(event, pairs))
        case .json: write(json(event, pairs))
        }
    }

    private func text(_ event: LogEvent, _ pairs: [(key: String, value: Logger.MetadataValue)]) -> String {
        let level = event.level.rawValue.uppercased()
        let padding = String(repeating: " ", count: max(0, 8 - level.count))
        var line = "\(clock()) \(level)\(padding) \(Sanitizer.sanitize(event.message.description))"
        for pair in pairs { line += " \(Sanitizer.sanitize(pair.key))=\(quoted(pair.value.description))" }
        return line + "\n"
    }

    /// Values with spaces, quotes or nothing in them are quoted, so that a value cannot look like another pair.
    private func quoted(_ value: String) -> String {
        let clean = Sanitizer.sanitize(value)
        guard clean.isEmpty || clean.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else { return clean }
        return JSONText.quote(clean)
    }

    private func json(_ event: LogEvent, _ pairs: [(key: String, value: Logger.MetadataValue)]) -> String {
        var line = "{\"time\":\"\(clock())\",\"level\":\"\(event.level.rawValue)\""
        line += ",\"logger\":\(JSONText.quote(label)),\"message\":\(JSONText.quote(event.message.description))"
        let reserved: Set = ["time", "level", "logger", "message"]
        for pair in pairs {
            let key = reserved.contains(pair.key) ? "meta_\(pair.key)" : pair.key
            line += ",\(JSONText.quote(key)):\(JSONText.render(pair.value))"
        }
        return line + "}\n"
    }
}

/// JSON for log lines.
enum JSONText {
    static func render(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): quote(text)
        case .stringConvertible(let value): quote(value.description)
        case .array(let values): "[" + values.map(render).joined(separator: ",") + "]"
        case .dictionary(let members):
            "{"
                + members.sorted { $0.key < $1.key }.map { "\(quote($0.key)):\(render($0.value))" }
                .joined(separator: ",") + "}"
        }
    }

    /// Sanitized first: a log viewer decodes what JSON escapes.
    static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in Sanitizer.sanitize(text).unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
