import RecordCodec

// Small readers: each answers nil, and reports, when the node is not of its form.
extension StreamsReader {
    mutating func report(_ origin: Origin, _ path: String, _ message: String, fix: String? = nil) {
        problems.append(SettingsProblem(place: origin, key: path, message: message, fix: fix))
    }

    mutating func isMapping(_ node: ConfigNode, _ path: String) -> Bool {
        if case .mapping = node.content { return true }
        report(node.origin, path, "\(node.kind) where a mapping belongs")
        return false
    }

    mutating func refuseUnknown(_ node: ConfigNode, _ path: String, known: [String]) {
        for member in node.members where !known.contains(member.key) {
            report(
                member.origin, "\(path).\(member.key)", "unknown key",
                fix: NearestName.find(member.key, among: known).map { "did you mean \"\($0)\"?" }
                    ?? "one of \(known.joined(separator: ", "))")
        }
    }

    mutating func text(_ node: ConfigNode, _ path: String) -> String? {
        if let text = node.scalar, !text.isEmpty { return text }
        report(node.origin, path, "\(node.isNull ? "nothing" : node.kind) where a name belongs")
        return nil
    }

    /// One name, or a list of names.
    mutating func texts(_ node: ConfigNode, _ path: String) -> [String] {
        guard case .sequence(let items) = node.content else { return [text(node, path)].compactMap(\.self) }
        return items.compactMap { text($0, path) }
    }

    mutating func choice<Value: CaseIterable & RawRepresentable & Sendable>(
        _ node: ConfigNode, _ path: String
    ) -> Value? where Value.RawValue == String {
        guard let text = text(node, path) else { return nil }
        switch ValueFormat<Value>.choice.parse(text) {
        case .success(let value): return value
        case .failure(let problem):
            report(node.origin, path, problem.message, fix: problem.fix)
            return nil
        }
    }

    /// `off`, or `{column, from, ahead}`; without the key the standard window holds if the column `time` is mapped.
    mutating func timeWindow(_ node: ConfigNode?, _ path: String, of columns: [ColumnMapping]) -> TimeWindow? {
        let isMapped = { (name: String) in columns.contains { $0.column == name } }
        guard let node, !node.isNull else { return isMapped(TimeWindow.standard.column) ? .standard : nil }
        if node.scalar == "off" || node.scalar == "false" { return nil }
        guard isMapping(node, path) else { return nil }
        refuseUnknown(node, path, known: ["column", "from", "ahead"])
        var window = TimeWindow.standard
        if let column = node["column"] { window.column = text(column, "\(path).column") ?? window.column }
        if !isMapped(window.column) { report(node.origin, path, "the column \"\(window.column)\" is not mapped") }
        if let from = node["from"] { window.earliestMicroseconds = date(from, "\(path).from") }
        if let ahead = node["ahead"] { window.aheadMicroseconds = microseconds(ahead, "\(path).ahead") }
        return window
    }

    private mutating func date(_ node: ConfigNode, _ path: String) -> Int64 {
        if let text = node.scalar, let days = CalendarDay.daysSinceEpoch(text) { return days * 86_400_000_000 }
        report(node.origin, path, "is not a day", fix: "write such as 2009-01-03")
        return 0
    }

    private mutating func microseconds(_ node: ConfigNode, _ path: String) -> Int64 {
        guard let text = node.scalar, let duration = DurationText.parse(text), duration <= .seconds(36500 * 86400)
        else {
            report(node.origin, path, "is not a duration", fix: "write such as 1d")
            return 0
        }
        return duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
    }
}

/// Days of the Gregorian calendar.
enum CalendarDay {
    /// Reads `yyyy-mm-dd`; the day's number since 1970-01-01.
    static func daysSinceEpoch(_ text: String) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
            let year = UInt16(parts[0]), let month = UInt8(parts[1]), let day = UInt8(parts[2]),
            (1...12).contains(month), day >= 1, day <= length(ofMonth: month, year: year)
        else { return nil }
        return days(Int64(year), Int64(month), Int64(day))
    }

    private static func length(ofMonth month: UInt8, year: UInt16) -> UInt8 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, eras have 400 years.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
