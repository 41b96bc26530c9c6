import Records

/// `timestamptz`, `timestamp` (in UTC), `date` and milliseconds in a `bigint`.
///
/// Whatever the producer writes becomes microseconds since 1970, rounded half to even. Numbers are recognised by
/// their size: below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds.
enum TimeValue {
    /// Microseconds from 1970 to 2000, where the server's count begins.
    static let serverEpoch: Int64 = 946_684_800_000_000
    static let microsecondsPerDay: Int64 = 86_400_000_000
    /// 4714-11-24 BC, the first day the server can hold. Its last lies beyond what fits here.
    private static let earliest: Int64 = -210_866_803_200_000_000

    /// Seconds written plainly, in microseconds, rounded half to even: the form that is met most.
    @inline(__always)
    static func plainSeconds(_ text: ByteText, _ reading: TimeReading) -> Int64? {
        guard reading == .automatic || reading == .seconds, let number = PlainDecimal(text), number.wholeDigits <= 11
        else { return nil }
        let seconds = Digits.value(number.wholeHigh) &* 100_000_000 &+ Digits.value(number.wholeLow)
        let hundredths = Digits.value(number.fractionHigh)
        // Eight decimals are two more than microseconds; what stands behind them only breaks a tie.
        let micros = hundredths / 100
        let rest = hundredths % 100
        let isTie = rest == 50 && number.fractionLow == 0
        let goesUp = rest > 50 || (rest == 50 && !isTie) || (isTie && micros & 1 == 1)
        let value = Int64(truncatingIfNeeded: seconds &* 1_000_000 &+ micros &+ (goesUp ? 1 : 0))
        return number.isNegative ? 0 &- value : value
    }

    /// Writes a moment given in microseconds since 1970.
    @inline(__always)
    static func append(_ time: Int64, _ target: TimeTarget, _ out: inout CopyBuffer) -> Rejection.Reason? {
        guard time >= earliest else { return .outOfRange }
        switch target {
        case .timestamp:
            out.appendField(UInt64(bitPattern: time &- serverEpoch))
        case .date:
            let day = (time &- serverEpoch).flooredQuotient(microsecondsPerDay)
            out.append32(4)
            out.append32(Int32(truncatingIfNeeded: day))
        case .milliseconds:
            let number = DecimalText(isNegative: time < 0, mantissa: time.magnitude)
            guard let milliseconds = number.scaled(by: -3) else { return .outOfRange }
            return IntegerValue.append(milliseconds, .eight, &out)
        }
        return nil
    }
}

extension ValueEncoder {
    /// Reads a time and remembers it in ``time``.
    mutating func encodeTime(
        _ text: ByteText, _ reading: TimeReading, _ target: TimeTarget, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        if target != .milliseconds, let seconds = TimeValue.plainSeconds(text, reading) {
            time = seconds
            return TimeValue.append(seconds, target, &out)
        }
        if reading == .iso8601 || (reading == .automatic && ISO8601.looksLike(text)) {
            return encodeISO(text, target, into: &out)
        }
        var number = DecimalText()
        if let reason = number.read(text) { return reason == .notFinite ? .notFinite : .invalidTime }
        let shift: Int
        switch reading {
        case .seconds: shift = 6
        case .milliseconds: shift = 3
        case .microseconds: shift = 0
        case .nanoseconds: shift = -3
        case .automatic, .iso8601:
            let digits = number.integerDigits
            shift = digits <= 11 ? 6 : digits <= 14 ? 3 : digits <= 17 ? 0 : -3
        }
        return encodeNumber(number, shift, target, into: &out)
    }

    private mutating func encodeNumber(
        _ number: DecimalText, _ shift: Int, _ target: TimeTarget, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        guard let value = number.scaled(by: shift) else { return .outOfRange }
        time = value
        if target == .milliseconds {
            // Rounded once, from what was written, not twice.
            guard let milliseconds = number.scaled(by: shift - 3) else { return .outOfRange }
            return IntegerValue.append(milliseconds, .eight, &out)
        }
        return TimeValue.append(value, target, &out)
    }

    private mutating func encodeISO(
        _ text: ByteText, _ target: TimeTarget, into out: inout CopyBuffer
    ) -> Rejection.Reason? {
        guard let value = ISO8601.microseconds(text) else {
            return DecimalText.wordReason(text) == .notFinite ? .notFinite : .invalidTime
        }
        time = value
        return TimeValue.append(value, target, &out)
    }

    /// The moment in an entry's id.
    mutating func encodeEntryTime(_ id: StreamID, as kind: ValueKind, into out: inout CopyBuffer) -> Rejection.Reason? {
        guard let milliseconds = Int64(exactly: id.milliseconds) else { return .outOfRange }
        guard case .scalar(.time(_, let target)) = kind else { return IntegerValue.append(milliseconds, .eight, &out) }
        let (value, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
        if overflow { return .outOfRange }
        time = value
        return TimeValue.append(value, target, &out)
    }
}

extension Int64 {
    /// Division that rounds down, also below zero. `divisor` is positive.
    @inline(__always)
    func flooredQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient &- 1 : quotient
    }
}
