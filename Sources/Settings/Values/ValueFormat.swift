/// How the text of a value is read and written.
struct ValueFormat<Value: Sendable>: Sendable {
    var parse: @Sendable (String) -> Result<Value, ValueProblem>
    var render: @Sendable (Value) -> String

    /// Optional values are given as text or not at all.
    var optional: ValueFormat<Value?> {
        ValueFormat<Value?>(parse: { parse($0).map { $0 } }, render: { $0.map(render) ?? "" })
    }
}

extension ValueFormat {
    /// `read` answers `nil` for a text it cannot read; `expected` completes "is not …".
    init(
        _ expected: String, example: String, read: @escaping @Sendable (String) -> Value?,
        render: @escaping @Sendable (Value) -> String
    ) {
        self.init(
            parse: { text in
                guard let value = read(text) else {
                    // A broken address may still hold a password.
                    let shown = Redaction.url(text)
                    return .failure(ValueProblem("\"\(shown)\" is not \(expected)", fix: "write such as \(example)"))
                }
                return .success(value)
            }, render: render)
    }

    func restricted(to fits: @escaping @Sendable (Value) -> Bool, _ bounds: String) -> ValueFormat {
        ValueFormat(
            parse: { text in
                parse(text).flatMap { value in
                    fits(value) ? .success(value) : .failure(ValueProblem("\"\(text)\" is out of range", fix: bounds))
                }
            }, render: render)
    }
}

extension ValueFormat where Value == String {
    static let text = ValueFormat("a text", example: "name", read: { $0.isEmpty ? nil : $0 }, render: { $0 })

    static let workerName = ValueFormat(
        "a worker's name (letters, digits, \".\", \"_\", \"-\", at most 48)", example: "worker-1",
        read: { WorkerName.isValid($0) ? $0 : nil }, render: { $0 })

    /// A part of Redis keys between braces, and of names in PostgreSQL.
    static let groupName = ValueFormat(
        "a group's name (1 to 64 bytes, no braces, spaces or control characters)", example: "millrace",
        read: { text in
            let isPlain = text.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0.value != 0x7F && $0 != "{" && $0 != "}"
            }
            return (1...64).contains(text.utf8.count) && isPlain ? text : nil
        }, render: { $0 })

    static func url(schemes: [String], example: String) -> ValueFormat {
        ValueFormat(
            "an address that begins with \(schemes.joined(separator: ", "))", example: example,
            read: { text in schemes.contains { text.hasPrefix($0) } ? text : nil }, render: Redaction.url)
    }
}

extension ValueFormat where Value == Secret {
    static let secret = ValueFormat(
        "a secret", example: "a text of one line", read: { $0.isEmpty ? nil : Secret($0) }, render: \.description)
}

extension ValueFormat where Value == Bool {
    static let flag = ValueFormat(
        "true or false", example: "true",
        read: { text in
            switch text.lowercased() {
            case "true", "yes", "on", "1": true
            case "false", "no", "off", "0": false
            default: nil
            }
        }, render: { $0 ? "true" : "false" })
}

extension ValueFormat where Value == Int {
    static func count(_ range: ClosedRange<Int>) -> ValueFormat {
        ValueFormat(
            "a whole number", example: "\(range.lowerBound)",
            read: { Int($0.filter { $0 != "_" }) }, render: { String($0) }
        ).restricted(to: range.contains, "\(range.lowerBound) to \(range.upperBound)")
    }

    static func size(_ range: ClosedRange<Int>) -> ValueFormat {
        ValueFormat("a size", example: "8MiB", read: SizeText.parse, render: SizeText.render).restricted(
            to: range.contains, "\(SizeText.render(range.lowerBound)) to \(SizeText.render(range.upperBound))")
    }
}

extension ValueFormat where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> ValueFormat {
        ValueFormat(
            "a duration", example: "250ms, 10s, 5m, 2h or 1d", read: DurationText.parse, render: DurationText.render
        ).restricted(
            to: range.contains, "\(DurationText.render(range.lowerBound)) to \(DurationText.render(range.upperBound))")
    }
}

extension ValueFormat where Value == [String] {
    /// A list in YAML, a text with commas elsewhere.
    static let list = ValueFormat(
        "a list", example: "[a, b]",
        read: { $0.split(separator: ",").map { String($0.drop { $0 == " " }) } }, render: { $0.joined(separator: ",") })
}

extension ValueFormat where Value == HTTPAddress {
    static let address = ValueFormat(
        "an address with a port", example: "127.0.0.1:4195", read: { HTTPAddress($0) }, render: \.description)
}

extension ValueFormat where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    static var choice: ValueFormat {
        let names = Value.allCases.map(\.rawValue)
        return ValueFormat(
            parse: { text in
                if let value = Value(rawValue: text) { return .success(value) }
                let nearest = NearestName.find(text, among: names).map { "did you mean \"\($0)\"?" }
                let problem = ValueProblem("\"\(text)\" is not one of \(names.joined(separator: ", "))", fix: nearest)
                return .failure(problem)
            }, render: \.rawValue)
    }
}
