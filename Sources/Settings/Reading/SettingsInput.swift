/// What a configuration is made from; later wins: file, environment, flags.
public struct SettingsInput: Equatable, Sendable {
    /// A file's name, for messages, and its text.
    public struct File: Equatable, Sendable {
        public var name: String
        public var text: String

        public init(name: String, text: String) {
            self.name = name
            self.text = text
        }
    }

    /// `nil` uses ``builtInFile``.
    public var file: File?
    public var environment: [String: String]
    /// `key=value`, in the order given.
    public var flags: [String]
    public var machine: Machine

    public init(
        file: File? = nil, environment: [String: String] = [:], flags: [String] = [], machine: Machine = .current
    ) {
        self.file = file
        self.environment = environment
        self.flags = flags
        self.machine = machine
    }

    /// `config/millrace.yaml`, as it was when the program was built.
    public static let builtInFile = File(
        name: "built-in millrace.yaml", text: String(decoding: PackageResources.millrace_yaml, as: UTF8.self))
}
