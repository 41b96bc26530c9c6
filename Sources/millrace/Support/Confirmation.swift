/// The question before something is destroyed.
enum Confirmation {
    /// Returns when `force` is given or somebody types y; throws otherwise.
    static func require(_ warning: String, force: Bool) throws(CommandFailure) {
        if force { return }
        guard Terminal.canAsk else {
            throw CommandFailure(warning, fix: "add --force if that is what you want", status: ExitStatus.wrongUse)
        }
        Output.complain(warning)
        Output.write(Array("Go on? [y/N] ".utf8), to: Terminal.standardError)
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure("nothing was changed")
        }
    }
}
