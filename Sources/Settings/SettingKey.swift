/// One key of the configuration: how it is read into ``Settings`` and written back.
struct SettingKey: Sendable {
    /// Dotted, such as `batching.rows`.
    let path: String
    /// For the reference and `config show`.
    let help: String
    /// May not be given as an argument, and is never shown.
    let isSecret: Bool
    let isList: Bool
    let apply: @Sendable (String, inout Settings) -> ValueProblem?
    let render: @Sendable (Settings) -> String

    init<Value: Sendable>(
        _ path: String, _ keyPath: any WritableKeyPath<Settings, Value> & Sendable, _ format: ValueFormat<Value>,
        _ help: String, isSecret: Bool = false
    ) {
        self.path = path
        self.help = help
        self.isSecret = isSecret
        isList = Value.self == [String].self
        apply = { text, settings in
            switch format.parse(text) {
            case .success(let value):
                settings[keyPath: keyPath] = value
                return nil
            case .failure(let problem):
                return problem
            }
        }
        render = { format.render($0[keyPath: keyPath]) }
    }

    /// `MILLRACE_BATCHING_ROWS` for `batching.rows`.
    var environmentVariable: String { "MILLRACE_" + path.uppercased().replacing(".", with: "_") }
}
