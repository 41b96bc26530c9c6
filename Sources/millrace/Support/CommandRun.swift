import ArgumentParser
import Migrations
import PostgresWire
import RedisWire
import Settings

/// Parses the arguments, runs the command they name, and turns whatever it throws into a message and an exit status.
struct CommandRun {
    let arguments: [String]

    func run() async -> Int32 {
        let status = await carryOut()
        // What failed already was told.
        guard status != ExitStatus.failed, let failure = Output.failure else { return status }
        return tell(failure)
    }

    private func carryOut() async -> Int32 {
        do {
            var command = try Millrace.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return ExitStatus.done
        } catch {
            return report(error)
        }
    }

    private func report(_ error: any Error) -> Int32 {
        switch error {
        case let failure as CommandFailure: return tell(failure)
        case let error as SettingsError:
            for problem in error.problems { Output.complain("configuration: \(problem)") }
            return ExitStatus.badConfiguration
        case let error as RedisError: return tell(Servers.failure(error))
        case let error as PostgresError: return tell(Servers.failure(error))
        case let error as MigrationFailure: return tell(Servers.failure(error))
        case let code as ExitCode: return code.rawValue
        default: return tellUse(error)
        }
    }

    private func tell(_ failure: CommandFailure) -> Int32 {
        Output.complain("error: \(failure.message)")
        if let fix = failure.fix { Output.complain("fix: \(fix)") }
        return failure.status
    }

    /// Help and version come as errors too; they are what was asked for.
    private func tellUse(_ error: any Error) -> Int32 {
        let text = Millrace.fullMessage(for: error)
        let code = Millrace.exitCode(for: error)
        if code.isSuccess {
            Output.print(text)
            return ExitStatus.done
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) { Output.complain(String(line)) }
        return code == .validationFailure ? ExitStatus.wrongUse : ExitStatus.failed
    }
}
