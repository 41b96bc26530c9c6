import Records

/// `numeric`: decimal text to the server's base-10000 digits, without losing one.
///
/// The field is: length, number of groups, weight of the first group, sign, display scale, then groups of four
/// decimal digits. Zero groups at both ends are left out, as the server does.
enum NumericValue {
    static let headerBytes = 12
    static let negative: UInt16 = 0x4000

    /// Writes the number; all but the plainest take the general path.
    static func encode(
        _ text: ByteText, _ shape: NumericShape, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        guard let number = PlainDecimal(text), number.wholeDigits <= Int(shape.integerDigits),
            number.fractionDigits <= Int(shape.scale)
        else { return NumericGeneral.encode(text, shape, into: &out) }
        // Four groups before the point and four behind it, the first in the highest bits.
        let groups =
            (UInt128(lanes(number.wholeHigh, number.wholeLow)) &<< 64)
            | UInt128(lanes(number.fractionHigh, number.fractionLow))
        let header = Header(
            groups: groups, sign: number.isNegative ? negative : 0,
            displayScale: UInt16(truncatingIfNeeded: shape.isUnlimited ? number.fractionDigits : Int(shape.scale)))
        out.appendNumeric(header)
        return nil
    }

    /// Sixteen digits as four groups, the first in the highest bits.
    @inline(__always)
    private static func lanes(_ high: UInt64, _ low: UInt64) -> UInt64 {
        (UInt64(Digits.groups(high)) &<< 32) | UInt64(Digits.groups(low))
    }

    /// A field of up to eight groups, ready to be written.
    struct Header {
        let count: UInt16
        let weight: UInt16
        let sign: UInt16
        let displayScale: UInt16
        /// The groups, the first in the highest bits.
        let groups: UInt128

        /// - Parameter groups: eight groups, the fourth of which holds the units.
        @inline(__always)
        init(groups: UInt128, sign: UInt16, displayScale: UInt16) {
            self.displayScale = displayScale
            if groups == 0 {
                count = 0
                weight = 0
                self.sign = 0
                self.groups = 0
                return
            }
            let leading = groups.leadingZeroBitCount &>> 4
            let trailing = groups.trailingZeroBitCount &>> 4
            count = UInt16(truncatingIfNeeded: 8 &- leading &- trailing)
            weight = UInt16(truncatingIfNeeded: 3 &- leading)
            self.sign = sign
            self.groups = groups &<< UInt128(truncatingIfNeeded: leading &* 16)
        }
    }

    /// Strips zero groups at both ends and writes the header before what is left.
    /// - Parameter weight: of the first group written, in groups: 0 is the units.
    static func finish(
        _ out: inout CopyBuffer, fieldStart: Int, weight: Int, sign: UInt16, displayScale: Int
    ) {
        let first = fieldStart + headerBytes
        var end = out.count
        var weight = weight
        while end > first, out.load16(at: end - 2) == 0 { end -= 2 }
        out.truncate(to: end)
        if end == first {
            weight = 0
        } else {
            var lead = first
            while out.load16(at: lead) == 0 { lead += 2 }
            out.remove(at: first, lead - first)
            weight -= (lead - first) / 2
        }
        let bytes = out.count - first
        out.store32(Int32(truncatingIfNeeded: 8 + bytes), at: fieldStart)
        out.store16(UInt16(truncatingIfNeeded: bytes / 2), at: fieldStart + 4)
        out.store16(UInt16(truncatingIfNeeded: weight), at: fieldStart + 6)
        out.store16(bytes == 0 ? 0 : sign, at: fieldStart + 8)
        out.store16(UInt16(truncatingIfNeeded: displayScale), at: fieldStart + 10)
    }
}
