/// PostgreSQL's numeric format once more, written as differently as possible: the digits are shifted in a string of
/// decimal digits, cut into groups by hand, and rounded by adding to the string.
struct ReferenceNumeric {
    /// The field of `text` in a column numeric(precision, scale), or in a plain numeric; `nil` when it does not fit.
    /// - Parameter text: `[+-]digits[.digits][e[+-]digits]`.
    static func encode(_ text: String, precision: Int? = nil, scale: Int = 0, rounds: Bool = false) -> [UInt8]? {
        var body = text[...]
        var isNegative = false
        if let sign = body.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            body = body.dropFirst()
        }
        let parts = body.lowercased().split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts[1])! : 0
        let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        var whole = String(halves[0])
        var fraction = halves.count > 1 ? String(halves[1]) : ""
        for _ in 0..<max(0, exponent) {
            whole.append(fraction.isEmpty ? "0" : fraction.removeFirst())
        }
        for _ in 0..<max(0, -exponent) {
            fraction = (whole.isEmpty ? "0" : String(whole.removeLast())) + fraction
        }
        var displayScale = fraction.count
        if let precision {
            while fraction.count > scale, fraction.last == "0" { fraction.removeLast() }
            if fraction.count > scale {
                guard rounds else { return nil }
                (whole, fraction) = round(whole, fraction, scale)
            }
            displayScale = scale
            let digits = whole.drop { $0 == "0" }.count
            if digits > precision - scale { return nil }
        }
        return field(whole, fraction, isNegative, displayScale)
    }

    private static func round(_ whole: String, _ fraction: String, _ scale: Int) -> (String, String) {
        let cut = fraction.index(fraction.startIndex, offsetBy: scale)
        let kept = Array("0" + whole + fraction[..<cut])
        let dropped = fraction[cut...]
        let isAboveHalf = dropped.first! > "5" || (dropped.first! == "5" && dropped.dropFirst().contains { $0 != "0" })
        let isHalf = dropped.first! == "5" && !dropped.dropFirst().contains { $0 != "0" }
        var digits = kept.map { Int(String($0))! }
        if isAboveHalf || (isHalf && digits.last! % 2 == 1) {
            var index = digits.count - 1
            while digits[index] == 9 {
                digits[index] = 0
                index -= 1
            }
            digits[index] += 1
        }
        let text = digits.map(String.init).joined()
        return (String(text.dropLast(scale)), String(text.suffix(scale)))
    }

    private static func field(_ whole: String, _ fraction: String, _ isNegative: Bool, _ displayScale: Int) -> [UInt8] {
        var whole = String(whole.drop { $0 == "0" })
        var fraction = fraction
        while whole.count % 4 != 0 { whole = "0" + whole }
        while fraction.count % 4 != 0 { fraction += "0" }
        var groups: [Int] = []
        var rest = Array(whole + fraction)[...]
        while !rest.isEmpty {
            groups.append(Int(String(rest.prefix(4)))!)
            rest = rest.dropFirst(4)
        }
        var weight = whole.count / 4 - 1
        while groups.first == 0 {
            groups.removeFirst()
            weight -= 1
        }
        while groups.last == 0 { groups.removeLast() }
        if groups.isEmpty { weight = 0 }
        let header = [groups.count, weight, isNegative && !groups.isEmpty ? 0x4000 : 0, displayScale]
        return (header + groups).flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    }
}

/// A small generator with a seed, so that a failing run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
