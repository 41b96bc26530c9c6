import Records

/// A decimal number read from text: its sign, its first 19 significant digits and where the point is.
///
/// The grammar is PostgreSQL's for numbers, without blanks: `[+-]digits[.digits][e[+-]digits]`, where one side of the
/// point may be empty. Times, integers and floats are made from it; `numeric` columns keep all digits and have
/// their own reader.
struct DecimalText {
    var isNegative = false
    /// The first 19 significant digits.
    var mantissa: UInt64 = 0
    /// The value is `mantissa * 10^exponent`, plus the tail.
    var exponent = 0
    /// Digits that are not zero stand behind those of the mantissa.
    var hasTail = false

    var isZero: Bool { mantissa == 0 }

    /// How many digits stand before the point when the number is written plainly; not positive below 1.
    var integerDigits: Int { Digits.length(mantissa) &+ exponent }

    /// Reads the whole text; `nil`, or why it is no finite number.
    @inline(__always)
    mutating func read(_ text: ByteText) -> Rejection.Reason? {
        var index = 0
        if text.isEmpty { return .notANumber }
        let first = text[0]
        if first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            isNegative = first == UInt8(ascii: "-")
            index = 1
        }
        let start = index
        readDigits(text, &index)
        var digits = index &- start
        if index < text.count, text[index] == UInt8(ascii: ".") {
            index &+= 1
            let point = index
            readDigits(text, &index)
            exponent = point &- index
            digits &+= index &- point
        }
        if digits == 0 { return DecimalText.wordReason(text) }
        if digits > 19 { readLong(text, from: start) }
        return index == text.count ? nil : readExponent(text, &index)
    }

    /// Adds a run of digits to the mantissa, which may wrap around: then ``readLong(_:from:)`` reads it again.
    @inline(__always)
    private mutating func readDigits(_ text: ByteText, _ index: inout Int) {
        while index < text.count {
            let word = text.load8(index)
            let run = min(Digits.run(word), text.count &- index)
            if run == 0 { return }
            mantissa = mantissa &* Digits.powers[run] &+ Digits.value(word, run)
            index &+= run
            if run < 8 { return }
        }
    }

    /// More than 19 digits: leading zeros do not count, digits behind the nineteenth become the tail.
    private mutating func readLong(_ text: ByteText, from start: Int) {
        mantissa = 0
        exponent = 0
        hasTail = false
        var kept = 0
        var index = start
        var isFraction = false
        while index < text.count {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: ".") {
                isFraction = true
                continue
            }
            guard Digits.isDigit(byte) else { return }
            if kept < 19 {
                mantissa = mantissa * 10 + UInt64(byte - UInt8(ascii: "0"))
                if mantissa > 0 { kept += 1 }
                if isFraction { exponent -= 1 }
            } else {
                hasTail = hasTail || byte != UInt8(ascii: "0")
                if !isFraction { exponent += 1 }
            }
        }
    }

    private mutating func readExponent(_ text: ByteText, _ index: inout Int) -> Rejection.Reason? {
        guard text[index] | 0x20 == UInt8(ascii: "e") else { return .notANumber }
        index += 1
        var isDown = false
        if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            isDown = text[index] == UInt8(ascii: "-")
            index += 1
        }
        guard index < text.count else { return .notANumber }
        var value = 0
        while index < text.count {
            guard Digits.isDigit(text[index]) else { return .notANumber }
            // Beyond a million every column's range is left in any case.
            value = min(value * 10 + Int(text[index] - UInt8(ascii: "0")), 1_000_000)
            index += 1
        }
        exponent += isDown ? -value : value
        return nil
    }

    /// Why a text without digits is no number: `nan` and the infinities are told apart.
    static func wordReason(_ text: ByteText) -> Rejection.Reason {
        let first = text.isEmpty ? 0 : text[0]
        let signed = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        let word = signed ? text.slice(1, text.count) : text.slice(0, text.count)
        let isSpecial = word.isWord("nan") || word.isWord("inf") || word.isWord("infinity")
        return isSpecial ? .notFinite : .notANumber
    }

    /// The value times `10^shift`, rounded half to even; `nil` when it does not fit.
    @inline(__always)
    func scaled(by shift: Int) -> Int64? {
        let power = exponent &+ shift
        if mantissa == 0 { return 0 }
        if power >= 0 {
            guard power < 20, !hasTail else { return nil }
            let (product, overflow) = mantissa.multipliedReportingOverflow(by: Digits.powers[power])
            return overflow ? nil : signed(product)
        }
        if power < -19 { return 0 }
        let divisor = Digits.powers[-power]
        let (quotient, rest) = mantissa.quotientAndRemainder(dividingBy: divisor)
        let half = divisor / 2
        let goesUp = rest > half || (rest == half && (hasTail || quotient & 1 == 1))
        return signed(goesUp ? quotient &+ 1 : quotient)
    }

    /// Whether the value times `10^shift` is a whole number.
    func isWhole(shift: Int = 0) -> Bool {
        let power = exponent + shift
        if mantissa == 0 { return true }
        if hasTail { return false }
        if power >= 0 { return true }
        return power >= -19 && mantissa % Digits.powers[-power] == 0
    }

    @inline(__always)
    private func signed(_ magnitude: UInt64) -> Int64? {
        if isNegative { return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
        return magnitude <= UInt64(Int64.max) ? Int64(truncatingIfNeeded: magnitude) : nil
    }
}
