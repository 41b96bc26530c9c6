/// Numbers as decimal text, eight digits at a time where it pays.
enum DecimalDigits {
    /// Eight digits of a number below 10^8, leading zeros included, the first in the lowest byte.
    ///
    /// Splits into halves by 10,000, 100 and 10, each step for all parts of the word at once (the reverse of reading
    /// digits by multiplication; Mula, "SIMD-ized conversion of integers to decimal", 2011).
    @inline(__always)
    static func eight(_ value: UInt64) -> UInt64 {
        let fours = value / 10_000 | (value % 10_000) &<< 32
        let hundreds = ((fours &* 10_486) &>> 20) & 0x7F_0000_007F
        let twos = hundreds | (fours &- 100 &* hundreds) &<< 16
        let tens = ((twos &* 103) &>> 10) & 0x000F_000F_000F_000F
        return (tens | (twos &- 10 &* tens) &<< 8) | 0x3030_3030_3030_3030
    }

    /// Writes a number's digits before `start`; returns where the first is. There are at most 20.
    @inline(__always)
    static func prepend(_ value: UInt64, to text: UnsafeMutableRawBufferPointer, at start: Int) -> Int {
        var rest = value
        var index = start
        while rest >= 100_000_000 {
            let (quotient, low) = rest.quotientAndRemainder(dividingBy: 100_000_000)
            index -= 8
            text.storeBytes(of: eight(low).littleEndian, toByteOffset: index, as: UInt64.self)
            rest = quotient
        }
        repeat {
            index -= 1
            text[index] = Ascii.zero + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        return index
    }
}
