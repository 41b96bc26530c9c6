/// Durations as people write them: `250ms`, `10s`, `5m`, `2h`, `1d`, also `1h30m`; a bare `0` needs no unit.
public enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// `nil` for anything that is not such a text, overflow included.
    public static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var rest = text[...]
        var total: Int64 = 0
        var previous = Int64.max
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let count = Int64(digits), let unit = units.first(where: { $0.name == name })?.milliseconds,
                unit < previous
            else { return nil }
            let (product, tooLarge) = count.multipliedReportingOverflow(by: unit)
            let (sum, overflow) = total.addingReportingOverflow(product)
            guard !tooLarge, !overflow else { return nil }
            total = sum
            previous = unit
        }
        return text.isEmpty ? nil : .milliseconds(total)
    }

    /// The shortest text that ``parse(_:)`` reads as `duration`, whose fractions of a millisecond are dropped.
    public static func render(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        if milliseconds == 0 { return "0s" }
        for unit in units where milliseconds % unit.milliseconds == 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }
}

/// Sizes in bytes as people write them: `512`, `64KiB`, `8MiB`, `1GiB`; `KB`, `MB` and `GB` are powers of 1000.
public enum SizeText {
    private static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000),
        ("kB", 1000), ("B", 1),
    ]

    /// `nil` for anything that is not such a text, overflow included.
    public static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text.dropFirst(digits.count)
        guard let count = Int(digits) else { return nil }
        if name.isEmpty { return count }
        guard let unit = units.first(where: { $0.name == name }) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    /// The shortest text with a binary unit that ``parse(_:)`` reads as `bytes`.
    public static func render(_ bytes: Int) -> String {
        for unit in units.prefix(3) where bytes != 0 && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "\(bytes)B"
    }
}
