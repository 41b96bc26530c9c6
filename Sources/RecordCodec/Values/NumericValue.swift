import Records

/// `numeric`: decimal text to the server's base-10000 digits, without losing one.
///
/// The field is: length, number of groups, weight of the first group, sign, display scale, then groups of four
/// decimal digits. Zero groups at both ends are left out, as the server does.
enum NumericValue {
    static let headerBytes = 12
    private static let negative: UInt16 = 0x4000

    /// Plain numbers up to 40 bytes that need no look at the column's size; all others take the general path.
    @inline(__always)
    static func encode(
        _ text: ByteText, _ shape: NumericShape, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        let first = text.isEmpty ? 0 : text[0]
        let isSigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        let start = isSigned ? 1 : 0
        let count = text.count &- start
        guard count > 0, count <= 40 else { return NumericGeneral.encode(text, shape, into: &out) }
        let body = text.slice(start, text.count)
        let point = pointIndex(body)
        let decimals = point < count ? count &- point &- 1 : 0
        guard point &+ decimals > 0, point <= Int(shape.integerDigits), decimals <= Int(shape.scale) else {
            return NumericGeneral.encode(text, shape, into: &out)
        }
        let fieldStart = out.count
        out.reserve(headerBytes &+ 32)
        out.skip(headerBytes)
        guard appendInteger(body, point, &out), appendFraction(body, point &+ 1, decimals, &out) else {
            out.truncate(to: fieldStart)
            return NumericGeneral.encode(text, shape, into: &out)
        }
        finish(
            &out, fieldStart: fieldStart, weight: (point &+ 3) / 4 &- 1,
            sign: first == UInt8(ascii: "-") ? negative : 0,
            displayScale: shape.isUnlimited ? decimals : Int(shape.scale))
        return nil
    }

    /// Where the point is, or the text's length; eight bytes at a time.
    @inline(__always)
    private static func pointIndex(_ body: ByteText) -> Int {
        var index = 0
        while index < body.count {
            let word = body.load8(index) ^ 0x2E2E_2E2E_2E2E_2E2E
            let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if zeros != 0 { return min(index &+ zeros.trailingZeroBitCount &>> 3, body.count) }
            index &+= 8
        }
        return body.count
    }

    /// The digits before the point: a partial group first, then whole ones. `false` when one is no digit.
    @inline(__always)
    private static func appendInteger(_ body: ByteText, _ point: Int, _ out: inout CopyBuffer) -> Bool {
        let head = point & 3
        var isGood = true
        if head != 0 {
            let bits = UInt32(truncatingIfNeeded: 32 &- 8 &* head)
            let padding: UInt32 = 0x3030_3030 &>> UInt32(truncatingIfNeeded: 8 &* head)
            let group = (body.load4(0) &<< bits) | padding
            isGood = Digits.areFour(group)
            out.append16(Digits.four(group))
        }
        var index = head
        while index < point {
            let group = body.load4(index)
            isGood = isGood && Digits.areFour(group)
            out.append16(Digits.four(group))
            index &+= 4
        }
        return isGood
    }

    /// The digits behind the point: whole groups, then a partial one filled with zeros.
    @inline(__always)
    private static func appendFraction(
        _ body: ByteText, _ start: Int, _ decimals: Int, _ out: inout CopyBuffer
    ) -> Bool {
        var index = start
        var left = decimals
        var isGood = true
        while left >= 4 {
            let group = body.load4(index)
            isGood = isGood && Digits.areFour(group)
            out.append16(Digits.four(group))
            index &+= 4
            left &-= 4
        }
        if left > 0 {
            let mask: UInt32 = 0xFFFF_FFFF &>> UInt32(truncatingIfNeeded: 32 &- 8 &* left)
            let group = (body.load4(index) & mask) | (0x3030_3030 & ~mask)
            isGood = isGood && Digits.areFour(group)
            out.append16(Digits.four(group))
        }
        return isGood
    }

    /// Strips zero groups at both ends and writes the header before what is left.
    /// - Parameter weight: of the first group written, in groups: 0 is the units.
    @inline(__always)
    static func finish(
        _ out: inout CopyBuffer, fieldStart: Int, weight: Int, sign: UInt16, displayScale: Int
    ) {
        let first = fieldStart &+ headerBytes
        var end = out.count
        var weight = weight
        while end > first, out.load16(at: end &- 2) == 0 { end &-= 2 }
        out.truncate(to: end)
        if end == first {
            weight = 0
        } else if out.load16(at: first) == 0 {
            var lead = first
            while out.load16(at: lead) == 0 { lead &+= 2 }
            out.remove(at: first, lead &- first)
            weight &-= (lead &- first) / 2
        }
        let bytes = out.count &- first
        out.store32(Int32(truncatingIfNeeded: 8 &+ bytes), at: fieldStart)
        out.store16(UInt16(truncatingIfNeeded: bytes / 2), at: fieldStart &+ 4)
        out.store16(UInt16(truncatingIfNeeded: weight), at: fieldStart &+ 6)
        out.store16(bytes == 0 ? 0 : sign, at: fieldStart &+ 8)
        out.store16(UInt16(truncatingIfNeeded: displayScale), at: fieldStart &+ 10)
    }
}
