/// One short-lived command: what `psql`, `initdb`, `cp` and the like are run with.
enum ChildCommand {
    struct Result: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs `command` to its end and returns what it printed. Throws only when it cannot be started at all.
    ///
    /// Files stand in for pipes, so that no amount of output can block it.
    static func run(_ command: [String], input: String? = nil) async throws -> Result {
        let (output, errors) = (try Descriptor.scratch(), try Descriptor.scratch())
        let source = try input.map { try Descriptor.scratch($0) } ?? Descriptor.nothing()
        let status = await (try Child.start(command, input: source, output: output, errors: errors)).exit.wait()
        return Result(status: status, output: output.contents(), errors: errors.contents())
    }

    /// As `run`, but a status other than 0 throws, with the last lines of what the command said.
    @discardableResult
    static func check(_ command: [String], input: String? = nil, doing purpose: String) async throws -> String {
        let result = try await run(command, input: input)
        guard result.status == 0 else {
            let said = result.errors.isEmpty ? result.output : result.errors
            throw ServiceError("\(purpose): \(lastLines(of: said))")
        }
        return result.output
    }

    static func lastLines(of text: String, count: Int = 8) -> String {
        text.split(separator: "\n").suffix(count).joined(separator: "\n")
    }
}
