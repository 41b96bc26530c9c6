import Records

/// Every decimal number that the fast path leaves: exponents, long values, `.5`, values near the column's limits.
///
/// Digits are counted by their place: the units have place 0, the first decimal has place -1. A group of four
/// digits has weight `place / 4`, rounded down.
struct NumericGeneral {
    private var isNegative = false
    /// Indexes of the first and the last digit that is not zero; `first` is -1 for zero.
    private var first = -1
    private var last = -1
    private var firstPlace = 0
    private var lastPlace = 0
    /// Decimals as written, the exponent taken into account.
    private var decimals = 0

    @inline(never)
    static func encode(
        _ text: ByteText, _ shape: NumericShape, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        var number = NumericGeneral()
        if let reason = number.read(text) { return reason }
        return number.write(text, shape, into: &out)
    }

    // MARK: Reading

    private mutating func read(_ text: ByteText) -> Rejection.Reason? {
        var index = 0
        if !text.isEmpty, text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+") {
            isNegative = text[0] == UInt8(ascii: "-")
            index = 1
        }
        var digits = 0
        var whole: Int?
        while index < text.count {
            let byte = text[index]
            if Digits.isDigit(byte) {
                if byte != UInt8(ascii: "0") { note(index, digits) }
                digits += 1
            } else if byte == UInt8(ascii: "."), whole == nil {
                whole = digits
            } else {
                break
            }
            index += 1
        }
        guard digits > 0 else { return DecimalText.wordReason(text) }
        guard let exponent = NumericGeneral.exponent(text, from: index) else { return .notANumber }
        let units = (whole ?? digits) - 1 + exponent
        firstPlace = units - firstPlace
        lastPlace = units - lastPlace
        decimals = max(0, digits - 1 - units)
        return nil
    }

    /// Until the exponent is known, places are counted from the first digit on.
    private mutating func note(_ index: Int, _ digit: Int) {
        if first < 0 {
            first = index
            firstPlace = digit
        }
        last = index
        lastPlace = digit
    }

    /// The exponent that ends the text, 0 without one; `nil` when something else stands there.
    private static func exponent(_ text: ByteText, from start: Int) -> Int? {
        var index = start
        guard index < text.count else { return 0 }
        guard text[index] | 0x20 == UInt8(ascii: "e") else { return nil }
        index += 1
        var isDown = false
        if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            isDown = text[index] == UInt8(ascii: "-")
            index += 1
        }
        guard index < text.count else { return nil }
        var value = 0
        while index < text.count {
            guard Digits.isDigit(text[index]) else { return nil }
            // Larger than any text is long: out of every column's range, whatever the digits are.
            value = min(value * 10 + Int(text[index] - UInt8(ascii: "0")), 1 << 40)
            index += 1
        }
        return isDown ? -value : value
    }

    // MARK: Writing

    private func write(
        _ text: ByteText, _ shape: NumericShape, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        let scale = Int(shape.scale)
        let fieldStart = out.count
        if shape.isUnlimited, decimals > scale { return .outOfRange }
        if first >= 0, firstPlace + 1 > Int(shape.integerDigits) { return .outOfRange }
        let mustRound = first >= 0 && lastPlace < -scale
        if mustRound, !shape.rounds { return .scale }
        out.skip(NumericValue.headerBytes)
        var weight = 0
        if first >= 0 {
            let bottom = max(lastPlace, -scale)
            weight = NumericGeneral.weight(max(firstPlace, bottom))
            appendGroups(text, bottom, &out)
            if mustRound, roundsUp(text, bottom) {
                weight += NumericGeneral.increment(&out, from: fieldStart + NumericValue.headerBytes, bottom)
            }
        }
        NumericValue.finish(
            &out, fieldStart: fieldStart, weight: weight, sign: isNegative ? NumericValue.negative : 0,
            displayScale: shape.isUnlimited ? decimals : max(0, scale))
        return mustRound && NumericGeneral.digits(out, fieldStart) > Int(shape.integerDigits) ? .outOfRange : nil
    }

    /// The digits from the first that is not zero down to place `bottom`, in groups.
    private func appendGroups(_ text: ByteText, _ bottom: Int, _ out: inout CopyBuffer) {
        var group: UInt16 = 0
        var place = firstPlace
        var index = first
        while place >= bottom, index <= last {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: ".") { continue }
            group = group &* 10 &+ UInt16(byte &- UInt8(ascii: "0"))
            if place & 3 == 0 {
                out.append16(group)
                group = 0
            }
            place -= 1
        }
        if firstPlace < bottom {
            out.append16(0)
        } else if bottom & 3 != 0 {
            for _ in 0..<(bottom & 3) { group = group &* 10 }
            out.append16(group)
        }
    }

    /// Half to even: looks at the digit behind `bottom`, at what follows it, and at the last digit kept.
    private func roundsUp(_ text: ByteText, _ bottom: Int) -> Bool {
        guard firstPlace >= bottom - 1 else { return false }
        let next = digit(text, at: bottom - 1)
        if next != 5 || lastPlace < bottom - 1 { return next >= 5 }
        return firstPlace >= bottom && digit(text, at: bottom) & 1 == 1
    }

    /// The digit at a place between the first and the last.
    private func digit(_ text: ByteText, at place: Int) -> UInt8 {
        var index = first
        var current = firstPlace
        while index <= last {
            if text[index] != UInt8(ascii: ".") {
                if current == place { return text[index] - UInt8(ascii: "0") }
                current -= 1
            }
            index += 1
        }
        return 0
    }

    /// Adds one at place `bottom`, which lies in the last group. Returns 1 when a new first group came up.
    private static func increment(_ out: inout CopyBuffer, from start: Int, _ bottom: Int) -> Int {
        var unit: UInt16 = 1
        for _ in 0..<(bottom & 3) { unit *= 10 }
        var offset = out.count - 2
        while offset >= start {
            let sum = out.load16(at: offset) + unit
            if sum < 10_000 {
                out.store16(sum, at: offset)
                return 0
            }
            out.store16(sum - 10_000, at: offset)
            unit = 1
            offset -= 2
        }
        out.insert16(1, at: start)
        return 1
    }

    /// How many digits a finished field has before the point; not positive below 1.
    private static func digits(_ out: borrowing CopyBuffer, _ fieldStart: Int) -> Int {
        guard out.load16(at: fieldStart + 4) > 0 else { return .min }
        let weight = Int(Int16(bitPattern: out.load16(at: fieldStart + 6)))
        return weight * 4 + Digits.length(UInt64(out.load16(at: fieldStart + NumericValue.headerBytes)))
    }

    /// The weight of the group that holds a place; rounds down below zero too.
    private static func weight(_ place: Int) -> Int { place >> 2 }
}
