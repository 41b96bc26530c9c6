import Records

/// `real` and `double precision`: the nearest value, finite only.
///
/// A number whose digits and power of ten are exact in the type needs one multiplication or division, which rounds
/// once (Clinger's fast path). All others go through the standard library.
enum FloatValue {
    private static let exact8: InlineArray<23, Double> = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
    private static let exact4: InlineArray<11, Float> = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]

    static func encode8(_ text: ByteText, into out: inout CopyBuffer) -> Rejection.Reason? {
        var number = DecimalText()
        if let reason = number.read(text) { return reason }
        guard let magnitude = double(number, text) else { return .outOfRange }
        out.append32(8)
        out.append64((number.isNegative ? -magnitude : magnitude).bitPattern)
        return nil
    }

    static func encode4(_ text: ByteText, into out: inout CopyBuffer) -> Rejection.Reason? {
        var number = DecimalText()
        if let reason = number.read(text) { return reason }
        guard let magnitude = float(number, text) else { return .outOfRange }
        out.append32(4)
        out.append32(Int32(bitPattern: (number.isNegative ? -magnitude : magnitude).bitPattern))
        return nil
    }

    private static func double(_ number: DecimalText, _ text: ByteText) -> Double? {
        let power = number.exponent
        if !number.hasTail, number.mantissa <= 1 << 53, power >= -22, power <= 22 {
            let digits = Double(number.mantissa)
            return power < 0 ? digits / exact8[-power] : digits * exact8[power]
        }
        return checked(Double(text.string), number)
    }

    private static func float(_ number: DecimalText, _ text: ByteText) -> Float? {
        let power = number.exponent
        if !number.hasTail, number.mantissa <= 1 << 24, power >= -10, power <= 10 {
            let digits = Float(number.mantissa)
            return power < 0 ? digits / exact4[-power] : digits * exact4[power]
        }
        return checked(Float(text.string), number)
    }

    /// Refuses what only an infinity, or zero, comes near to.
    private static func checked<Value: BinaryFloatingPoint>(_ value: Value?, _ number: DecimalText) -> Value? {
        guard let value, value.isFinite, !value.isZero || number.isZero else { return nil }
        return value.magnitude
    }
}
