/// A decimal number in its plainest form, `[+-]digits[.digits]` with at most 16 digits on either side: nearly all
/// numbers that are met. It is read eight digits at a time; all others have slower readers.
///
/// The digits are kept as bytes of value 0 to 9, the first in the lowest byte, aligned to the point: the whole part
/// ends where `wholeLow` ends, the fraction begins where `fractionHigh` begins, and zeros fill the rest. That is how
/// groups of four digits want them.
struct PlainDecimal {
    var isNegative = false
    private(set) var wholeHigh: UInt64 = 0
    private(set) var wholeLow: UInt64 = 0
    private(set) var fractionHigh: UInt64 = 0
    private(set) var fractionLow: UInt64 = 0
    /// Digits as written, leading zeros included.
    private(set) var wholeDigits = 0
    private(set) var fractionDigits = 0

    /// Reads the text; `nil` when it is anything else, which need not mean that it is no number.
    @inline(__always)
    init?(_ text: ByteText) {
        if text.isEmpty { return nil }
        let first = text[0]
        let isSigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        let body = isSigned ? text.slice(1, text.count) : text.slice(0, text.count)
        isNegative = first == UInt8(ascii: "-")
        guard readWhole(body) else { return nil }
        if wholeDigits == body.count { return }
        guard body[wholeDigits] == UInt8(ascii: ".") else { return nil }
        guard readFraction(body.slice(wholeDigits &+ 1, body.count)) else { return nil }
    }

    /// `false` without a digit, or with more than 16.
    @inline(__always)
    private mutating func readWhole(_ body: ByteText) -> Bool {
        let word = body.load8(0)
        wholeDigits = min(Digits.run(word), body.count)
        if wholeDigits == 0 { return false }
        wholeLow = Digits.lastDigits(word, wholeDigits)
        return wholeDigits < 8 || readLongWhole(body, word)
    }

    private mutating func readLongWhole(_ body: ByteText, _ first: UInt64) -> Bool {
        let next = body.load8(8)
        let more = min(Digits.run(next), body.count &- 8)
        if more == 0 { return true }
        // The first eight digits move up by as many as follow them.
        let digits = first &- Digits.zeros
        wholeLow = Digits.lastDigits(next, more) | (more == 8 ? 0 : digits &>> UInt64(truncatingIfNeeded: 8 &* more))
        wholeHigh = digits &<< UInt64(truncatingIfNeeded: 64 &- 8 &* more)
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
        if Digits.run(word) < min(count, 8) { return false }
        if count <= 8 {
            fractionHigh = Digits.firstDigits(word, count)
            return true
        }
        let next = digits.load8(8)
        if Digits.run(next) < count &- 8 { return false }
        fractionHigh = word &- Digits.zeros
        fractionLow = Digits.firstDigits(next, count &- 8)
        return true
    }
}
