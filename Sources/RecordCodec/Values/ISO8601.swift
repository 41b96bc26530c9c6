/// Times as `2024-05-06T07:08:09.123456789+02:00`: `T` or a blank between date and time, seconds, fraction and zone
/// optional, the date alone allowed. Without a zone the time is UTC.
enum ISO8601 {
    /// `dddd-`: enough to tell it from a number.
    @inline(__always)
    static func looksLike(_ text: ByteText) -> Bool {
        text.count >= 8 && text[4] == UInt8(ascii: "-") && Digits.areFour(text.load4(0))
    }

    /// Microseconds since 1970-01-01 UTC, rounded half to even; `nil` when the text is no such time.
    static func microseconds(_ text: ByteText) -> Int64? {
        var reader = ISOReader(text)
        guard let year = reader.digits(4), reader.take("-"), let month = reader.digits(2), reader.take("-"),
            let day = reader.digits(2), let days = daysSince1970(year, month, day)
        else { return nil }
        let midnight = Int64(days) * TimeValue.microsecondsPerDay
        if reader.isAtEnd { return midnight }
        guard reader.take("T") || reader.take("t") || reader.take(" ") else { return nil }
        guard let clock = reader.clock(), let zone = reader.zone(), reader.isAtEnd else { return nil }
        return midnight + clock - zone
    }

    /// Days of the proleptic Gregorian calendar; `nil` when there is no such day. (Hinnant, "days from civil".)
    static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int? {
        guard year >= 1, month >= 1, month <= 12, day >= 1, day <= length(ofMonth: month, year) else { return nil }
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func length(ofMonth month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Walks through the parts of a time.
struct ISOReader: ~Escapable {
    private let text: ByteText
    private var index = 0

    @_lifetime(copy text)
    init(_ text: ByteText) {
        self.text = text
    }

    var isAtEnd: Bool { index == text.count }

    @_lifetime(self: copy self)
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    /// A number of exactly `count` digits.
    @_lifetime(self: copy self)
    mutating func digits(_ count: Int) -> Int? {
        guard index + count <= text.count, Digits.run(text.load8(index)) >= count else { return nil }
        let value = Digits.value(text.load8(index), count)
        index += count
        return Int(value)
    }

    /// `hh:mm[:ss[.f…]]` in microseconds. A leap second counts as the first of the next minute.
    @_lifetime(self: copy self)
    mutating func clock() -> Int64? {
        guard let hour = digits(2), hour < 24, take(":"), let minute = digits(2), minute < 60 else { return nil }
        let minutes = Int64(hour * 60 + minute) * 60_000_000
        guard take(":") else { return minutes }
        guard let second = digits(2), second <= 60 else { return nil }
        let seconds = minutes + Int64(second) * 1_000_000
        guard take(".") else { return seconds }
        guard let fraction = fraction() else { return nil }
        return seconds + fraction
    }

    /// The digits behind the point, in microseconds, rounded half to even.
    @_lifetime(self: copy self)
    mutating func fraction() -> Int64? {
        let start = index
        while index < text.count, Digits.isDigit(text[index]) { index += 1 }
        guard index > start else { return nil }
        var number = DecimalText()
        // The point stands before the digits, and belongs to the number.
        guard number.read(text.slice(start - 1, index)) == nil else { return nil }
        return number.scaled(by: 6)
    }

    /// `Z`, `+hh`, `+hhmm` or `+hh:mm` in microseconds east of UTC; 0 when nothing follows.
    @_lifetime(self: copy self)
    mutating func zone() -> Int64? {
        if isAtEnd || take("Z") || take("z") { return 0 }
        let isEast = take("+")
        guard isEast || take("-") else { return nil }
        guard let hours = digits(2), hours <= 15 else { return nil }
        var minutes = 0
        if !isAtEnd {
            _ = take(":")
            guard let read = digits(2), read < 60 else { return nil }
            minutes = read
        }
        let east = Int64(hours * 60 + minutes) * 60_000_000
        return isEast ? east : -east
    }
}
