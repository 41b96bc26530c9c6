/// Numbers as people read them.
enum Figures {
    /// `1,234,567`
    static func count(_ value: some BinaryInteger) -> String {
        let digits = String(value.magnitude)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.utf8.count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return (value < 0 ? "-" : "") + result
    }

    static func count(_ value: Int64?) -> String { value.map { count($0) } ?? "-" }

    /// `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`
    static func age(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        switch seconds {
        case ..<10: return "\(decimal(duration.seconds, digits: 1)) s"
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }

    /// Rounded, with exactly so many digits behind the point.
    static func decimal(_ value: Double, digits: Int) -> String {
        var factor: Int64 = 1
        for _ in 0..<digits { factor *= 10 }
        let scaled = (value * Double(factor)).rounded()
        guard let units = Int64(exactly: scaled) else { return "\(value)" }
        let fraction = String(units.magnitude % UInt64(factor))
        let zeros = String(repeating: "0", count: digits - fraction.utf8.count)
        return (units < 0 ? "-" : "") + String(units.magnitude / UInt64(factor)) + "." + zeros + fraction
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
