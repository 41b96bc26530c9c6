import Records

/// `smallint`, `integer`, `bigint`: whole numbers, also written as `58.0` or `5.8e1`.
enum IntegerValue {
    static func encode(
        _ text: ByteText, _ width: IntegerWidth, rounds: Bool, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        var number = DecimalText()
        if let reason = number.read(text) { return reason }
        if !rounds, !number.isWhole() {
            // A number with more than 19 digits before the point is too large before it is broken.
            return number.integerDigits > 19 ? .outOfRange : .scale
        }
        guard let value = number.scaled(by: 0) else { return .outOfRange }
        return append(value, width, &out)
    }

    @inline(__always)
    static func append(_ value: Int64, _ width: IntegerWidth, _ out: inout CopyBuffer) -> Rejection.Reason? {
        out.append32(width.rawValue)
        switch width {
        case .two:
            guard let short = Int16(exactly: value) else { return .outOfRange }
            out.append16(UInt16(bitPattern: short))
        case .four:
            guard let word = Int32(exactly: value) else { return .outOfRange }
            out.append32(word)
        case .eight:
            out.append64(UInt64(bitPattern: value))
        }
        return nil
    }
}
