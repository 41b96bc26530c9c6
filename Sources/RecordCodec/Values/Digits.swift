/// ASCII digits, eight or four at a time: the text's bytes are lanes of one integer.
///
/// After Lemire, "Quickly parsing eight digits", and Hacker's Delight for the checks.
enum Digits {
    static let zeros: UInt64 = 0x3030_3030_3030_3030

    /// How many of the eight bytes are digits before the first that is not.
    @inline(__always)
    static func run(_ word: UInt64) -> Int {
        // A digit has 3 as its upper half, also after adding 6. A carry only reaches bytes behind a non-digit.
        let upper = (word & 0xF0F0_F0F0_F0F0_F0F0) ^ zeros
        let shifted = ((word &+ 0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0) ^ zeros
        let wrong = upper | shifted
        return wrong == 0 ? 8 : wrong.trailingZeroBitCount &>> 3
    }

    /// The value of the first `count` bytes, which are digits; `count` is 1 to 8.
    @inline(__always)
    static func value(_ word: UInt64, _ count: Int) -> UInt64 { value(lastDigits(word, count)) }

    /// The first `count` bytes as digits 0 to 9, moved to the end as if zeros stood before them; `count` is 1 to 8.
    @inline(__always)
    static func lastDigits(_ word: UInt64, _ count: Int) -> UInt64 {
        (word &- zeros) &<< UInt64(truncatingIfNeeded: 64 &- 8 &* count)
    }

    /// The first `count` bytes as digits 0 to 9, zeros behind them; `count` is 1 to 8.
    @inline(__always)
    static func firstDigits(_ word: UInt64, _ count: Int) -> UInt64 {
        (word &- zeros) & (UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* count))
    }

    /// The number that eight digits 0 to 9 make, the first in the lowest byte.
    @inline(__always)
    static func value(_ digits: UInt64) -> UInt64 {
        let pairs = pairs(digits)
        let low = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let high = ((pairs &>> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (low &+ high) &>> 32
    }

    /// Two groups of four digits, the first in the upper half.
    @inline(__always)
    static func groups(_ digits: UInt64) -> UInt32 {
        let pairs = pairs(digits) & 0x00FF_00FF_00FF_00FF
        let fours = (pairs &* 100) &+ (pairs &>> 16)
        return (UInt32(truncatingIfNeeded: fours) &<< 16) | UInt32(truncatingIfNeeded: (fours &>> 32) & 0xFFFF)
    }

    /// Numbers of two digits in every other byte; the bytes between hold nothing of use.
    @inline(__always)
    private static func pairs(_ digits: UInt64) -> UInt64 { (digits &* 10) &+ (digits &>> 8) }

    /// Whether all four bytes are digits.
    @inline(__always)
    static func areFour(_ word: UInt32) -> Bool {
        ((word & 0xF0F0_F0F0) | (((word &+ 0x0606_0606) & 0xF0F0_F0F0) &>> 4)) == 0x3333_3333
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    static let powers: InlineArray<20, UInt64> = [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]

    /// How many decimal digits the value has; 0 for zero.
    @inline(__always)
    static func length(_ value: UInt64) -> Int {
        if value == 0 { return 0 }
        let guess = ((64 &- value.leadingZeroBitCount) &* 1233) &>> 12
        return value < powers[guess] ? guess : guess &+ 1
    }
}
