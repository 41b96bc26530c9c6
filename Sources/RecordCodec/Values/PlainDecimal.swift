/// A decimal number in its plainest form, `[+-]digits[.digits]` with at most 16 digits on either side: nearly all
/// numbers that are met. It is read eight digits at a time; all others have slower readers.
struct PlainDecimal {
    var isNegative = false
    /// The digits before the point.
    var whole: UInt64 = 0
    /// The digits behind the point, filled up to 16 with zeros.
    var fraction: UInt64 = 0
    /// Digits as written, leading zeros included.
    var wholeDigits = 0
    var fractionDigits = 0

    /// Reads the text; `nil` when it is anything else, which need not mean that it is no number.
    @inline(__always)
    init?(_ text: ByteText) {
        if text.isEmpty { return nil }
        let first = text[0]
        let isSigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        let body = text.slice(isSigned ? 1 : 0, text.count)
        isNegative = first == UInt8(ascii: "-")
        guard readWhole(body) else { return nil }
        if wholeDigits == body.count { return }
        guard body[wholeDigits] == UInt8(ascii: ".") else { return nil }
        guard readFraction(body.slice(wholeDigits &+ 1, body.count)) else { return nil }
    }

    /// `false` without a digit, or with more than 16.
    @inline(__always)
    private mutating func readWhole(_ body: ByteText) -> Bool {
        if body.isEmpty { return false }
        let word = body.load8(0)
        wholeDigits = min(Digits.run(word), body.count)
        if wholeDigits == 0 { return false }
        whole = Digits.value(word, wholeDigits)
        if wholeDigits < 8 || body.count == 8 { return true }
        let next = body.load8(8)
        let more = min(Digits.run(next), body.count &- 8)
        if more == 0 { return true }
        whole = whole &* Digits.powers[more] &+ Digits.value(next, more)
        wholeDigits &+= more
        return more < 8 || body.count == 16 || !Digits.isDigit(body[16])
    }

    /// `false` when something else than one to 16 digits is there.
    @inline(__always)
    private mutating func readFraction(_ digits: ByteText) -> Bool {
        let count = digits.count
        fractionDigits = count
        if count == 0 || count > 16 { return false }
        let word = digits.load8(0)
        let run = Digits.run(word)
        if count <= 8 {
            if run < count { return false }
            fraction = Digits.value(PlainDecimal.filled(word, count), 8) &* 100_000_000
            return true
        }
        let next = digits.load8(8)
        if run < 8 || Digits.run(next) < count &- 8 { return false }
        fraction =
            Digits.value(word, 8) &* 100_000_000 &+ Digits.value(PlainDecimal.filled(next, count &- 8), 8)
        return true
    }

    /// The first `count` (1 to 8) bytes, zeros written behind them.
    @inline(__always)
    private static func filled(_ word: UInt64, _ count: Int) -> UInt64 {
        let mask = UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* count)
        return (word & mask) | (0x3030_3030_3030_3030 & ~mask)
    }
}
