import Records

/// `interval`: `[-]hh:mm:ss[.f]`, a plain number of seconds, ISO 8601 (`P1DT2H3.5S`), or a list such as
/// `1 day 02:30:00` or `2 hours 5 mins`.
///
/// The field holds microseconds, days and months. Fractions of weeks and days are carried into the time; years may
/// have a fraction when it makes whole months; months may not.
struct IntervalValue {
    private var microseconds: Int64 = 0
    private var days: Int64 = 0
    private var months: Int64 = 0

    static func encode(_ text: ByteText, into out: inout CopyBuffer) -> Rejection.Reason? {
        var value = IntervalValue()
        guard value.read(text) else {
            return DecimalText.wordReason(text) == .notFinite ? .notFinite : .invalidInterval
        }
        guard let days = Int32(exactly: value.days), let months = Int32(exactly: value.months) else {
            return .outOfRange
        }
        out.append32(16)
        out.append64(UInt64(bitPattern: value.microseconds))
        out.append32(days)
        out.append32(months)
        return nil
    }

    private mutating func read(_ text: ByteText) -> Bool {
        guard !text.isEmpty else { return false }
        if text[0] == UInt8(ascii: "P") { return readISO(text.slice(1, text.count)) }
        var number = DecimalText()
        if number.read(text) == nil { return add(number, .second) }
        return readList(text)
    }

    // MARK: ISO 8601

    private mutating func readISO(_ text: ByteText) -> Bool {
        var index = 0
        var inTime = false
        var parts = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "T") {
                guard !inTime, index + 1 < text.count else { return false }
                inTime = true
                index += 1
                continue
            }
            let end = IntervalValue.numberEnd(text, index)
            guard end > index, end < text.count else { return false }
            var number = DecimalText()
            guard number.read(text.slice(index, end)) == nil, let unit = Unit(iso: text[end], inTime: inTime) else {
                return false
            }
            guard add(number, unit) else { return false }
            parts += 1
            index = end + 1
        }
        return parts > 0
    }

    private static func numberEnd(_ text: ByteText, _ start: Int) -> Int {
        var index = start
        while index < text.count {
            let byte = text[index]
            let isSign = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            guard Digits.isDigit(byte) || byte == UInt8(ascii: ".") || (isSign && index == start) else { break }
            index += 1
        }
        return index
    }

    // MARK: Words

    private mutating func readList(_ text: ByteText) -> Bool {
        var index = 0
        var parts = 0
        while index < text.count {
            if text[index] == UInt8(ascii: " ") {
                index += 1
                continue
            }
            let end = IntervalValue.wordEnd(text, index)
            let word = text.slice(index, end)
            if let time = IntervalValue.clock(word) {
                guard addMicroseconds(time) else { return false }
                index = end
            } else {
                let numberEnd = IntervalValue.numberEnd(text, index)
                var unitStart = numberEnd
                while unitStart < text.count, text[unitStart] == UInt8(ascii: " ") { unitStart += 1 }
                let unitEnd = IntervalValue.wordEnd(text, unitStart)
                var number = DecimalText()
                guard number.read(text.slice(index, numberEnd)) == nil,
                    let unit = Unit(word: text.slice(unitStart, unitEnd)), add(number, unit)
                else { return false }
                index = unitEnd
            }
            parts += 1
        }
        return parts > 0
    }

    private static func wordEnd(_ text: ByteText, _ start: Int) -> Int {
        var index = start
        while index < text.count, text[index] != UInt8(ascii: " ") { index += 1 }
        return index
    }

    /// `[-]h+:mm[:ss[.f]]`; `nil` when the word is something else.
    private static func clock(_ word: ByteText) -> Int64? {
        let isNegative = !word.isEmpty && word[0] == UInt8(ascii: "-")
        let start = isNegative || (!word.isEmpty && word[0] == UInt8(ascii: "+")) ? 1 : 0
        var colon = start
        while colon < word.count, Digits.isDigit(word[colon]) { colon += 1 }
        guard colon > start, colon - start <= 9, colon + 3 <= word.count, word[colon] == UInt8(ascii: ":") else {
            return nil
        }
        var hours = DecimalText()
        guard hours.read(word.slice(start, colon)) == nil, Digits.run(word.load8(colon + 1)) >= 2 else { return nil }
        let minutes = Int64(Digits.value(word.load8(colon + 1), 2))
        guard minutes < 60 else { return nil }
        var total = Int64(hours.mantissa) * 3_600_000_000 + minutes * 60_000_000
        if colon + 3 < word.count {
            guard word[colon + 3] == UInt8(ascii: ":"), let seconds = seconds(word.slice(colon + 4, word.count)) else {
                return nil
            }
            total += seconds
        }
        return isNegative ? -total : total
    }

    /// `ss[.f]` below 60.
    private static func seconds(_ text: ByteText) -> Int64? {
        guard text.count >= 2, Digits.run(text.load8(0)) >= 2, text.count == 2 || text[2] == UInt8(ascii: ".") else {
            return nil
        }
        var number = DecimalText()
        guard number.read(text) == nil, number.integerDigits <= 2, let value = number.scaled(by: 6) else { return nil }
        return value < 60_000_000 ? value : nil
    }

    // MARK: Sums

    private mutating func add(_ number: DecimalText, _ unit: Unit) -> Bool {
        switch unit {
        case .year, .month:
            return addMonths(number, unit == .year ? 12 : 1)
        case .week, .day:
            return addDays(number, unit == .week ? 7 : 1)
        case .hour: return addTime(number, 3_600)
        case .minute: return addTime(number, 60)
        case .second: return addTime(number, 1)
        case .millisecond: return number.scaled(by: 3).map { addMicroseconds($0) } ?? false
        case .microsecond: return number.scaled(by: 0).map { addMicroseconds($0) } ?? false
        }
    }

    private mutating func addTime(_ number: DecimalText, _ seconds: Int64) -> Bool {
        guard let micros = IntervalValue.times(number, seconds * 1_000_000) else { return false }
        return addMicroseconds(micros)
    }

    private mutating func addDays(_ number: DecimalText, _ length: Int64) -> Bool {
        guard number.isWhole() else {
            // A fraction of a day is time of day.
            guard let micros = IntervalValue.times(number, length * TimeValue.microsecondsPerDay) else { return false }
            let (sum, overflow) = days.addingReportingOverflow(micros / TimeValue.microsecondsPerDay)
            days = sum
            return !overflow && addMicroseconds(micros % TimeValue.microsecondsPerDay)
        }
        guard let whole = number.scaled(by: 0) else { return false }
        let (product, overflow) = whole.multipliedReportingOverflow(by: length)
        let (sum, carry) = days.addingReportingOverflow(product)
        days = sum
        return !overflow && !carry
    }

    private mutating func addMonths(_ number: DecimalText, _ length: Int64) -> Bool {
        guard let scaled = IntervalValue.times(number, length * 1_000_000), scaled % 1_000_000 == 0 else {
            return false
        }
        let (sum, overflow) = months.addingReportingOverflow(scaled / 1_000_000)
        months = sum
        return !overflow
    }

    private mutating func addMicroseconds(_ value: Int64) -> Bool {
        let (sum, overflow) = microseconds.addingReportingOverflow(value)
        microseconds = sum
        return !overflow
    }

    /// The number times a factor, rounded half to even; `nil` when it does not fit.
    private static func times(_ number: DecimalText, _ factor: Int64) -> Int64? {
        let (high, low) = number.mantissa.multipliedFullWidth(by: UInt64(factor))
        let product = UInt128(high) << 64 | UInt128(low)
        if product == 0 { return 0 }
        var result = product
        if number.exponent > 0 {
            guard number.exponent < 20, !number.hasTail else { return nil }
            let (scaled, overflow) = product.multipliedReportingOverflow(by: UInt128(Digits.powers[number.exponent]))
            guard !overflow else { return nil }
            result = scaled
        } else if number.exponent < 0 {
            // Mantissa and factor together have at most 31 digits.
            guard number.exponent >= -38 else { return 0 }
            let divisor = power(-number.exponent)
            let (quotient, rest) = product.quotientAndRemainder(dividingBy: divisor)
            let goesUp = rest > divisor / 2 || (rest == divisor / 2 && (number.hasTail || quotient & 1 == 1))
            result = goesUp ? quotient + 1 : quotient
        }
        guard result <= UInt128(Int64.max) else { return nil }
        return number.isNegative ? -Int64(result) : Int64(result)
    }

    /// 10 to the power of 0 to 38.
    private static func power(_ exponent: Int) -> UInt128 {
        let first = min(exponent, 19)
        return UInt128(Digits.powers[first]) * UInt128(Digits.powers[exponent - first])
    }

    private enum Unit {
        case year, month, week, day, hour, minute, second, millisecond, microsecond

        init?(iso letter: UInt8, inTime: Bool) {
            switch (letter, inTime) {
            case (UInt8(ascii: "Y"), false): self = .year
            case (UInt8(ascii: "M"), false): self = .month
            case (UInt8(ascii: "W"), false): self = .week
            case (UInt8(ascii: "D"), false): self = .day
            case (UInt8(ascii: "H"), true): self = .hour
            case (UInt8(ascii: "M"), true): self = .minute
            case (UInt8(ascii: "S"), true): self = .second
            default: return nil
            }
        }

        init?(word: ByteText) {
            if word.isOne(of: "year", "years", "y") {
                self = .year
            } else if word.isOne(of: "month", "months", "mon", "mons") {
                self = .month
            } else if word.isOne(of: "week", "weeks", "w") {
                self = .week
            } else if word.isOne(of: "day", "days", "d") {
                self = .day
            } else if word.isOne(of: "hour", "hours", "hrs", "hr", "h") {
                self = .hour
            } else if word.isOne(of: "minute", "minutes", "mins", "min", "m") {
                self = .minute
            } else if word.isOne(of: "second", "seconds", "secs", "sec", "s") {
                self = .second
            } else if word.isOne(of: "millisecond", "milliseconds", "msec", "msecs", "ms") {
                self = .millisecond
            } else if word.isOne(of: "microsecond", "microseconds", "usec", "usecs", "us") {
                self = .microsecond
            } else {
                return nil
            }
        }
    }
}

extension ByteText {
    /// Whether the text is one of the words, in any case.
    fileprivate func isOne(of words: StaticString...) -> Bool {
        for word in words where isWord(word) { return true }
        return false
    }
}
