import ArgumentParser
import Glibc
import PostgresCopy
import PostgresWire
import Records
import RedisWire
import Settings

/// Which letters a command is about. Options of one kind widen, options of different kinds narrow.
struct LetterOptions: ParsableArguments {
    @Option(
        name: .long, parsing: .upToNextOption,
        help: ArgumentHelp(
            "Letters by id, such as 1690000000000-0, or 7:1690000000000-0 in one source. Several.", valueName: "id"))
    var id: [NameArgument] = []

    @Option(
        name: .long, help: ArgumentHelp("Only of this cause, such as not_a_number. Repeatable.", valueName: "cause"),
        transform: Rejection.Reason.parse)
    var cause: [Rejection.Reason] = []

    @Option(name: .long, help: ArgumentHelp("Only for this table. Repeatable.", valueName: "table"))
    var table: [String] = []

    @Option(name: .long, help: ArgumentHelp("Only of this stream. Repeatable.", valueName: "stream"))
    var stream: [String] = []

    @Option(name: .long, help: ArgumentHelp("Only found in, or stored by, this batch. Repeatable.", valueName: "batch"))
    var batch: [BatchArgument] = []

    @Option(
        name: .long,
        help: ArgumentHelp("Only of this group, as `dlq groups` shows it. Repeatable.", valueName: "fingerprint"))
    var fingerprint: [String] = []

    @Option(name: .long, help: ArgumentHelp("Only younger than this, such as 2h.", valueName: "duration"))
    var since: DurationArgument?

    @Option(name: .long, help: ArgumentHelp("Only older than this.", valueName: "duration"))
    var until: DurationArgument?

    func selection(_ state: LetterSelection.State? = .open) -> LetterSelection {
        var selection = LetterSelection(state: state)
        selection.names = id.map(\.name)
        selection.causes = cause.map(\.rawValue)
        selection.tables = table
        selection.streams = stream.map { StreamKey($0) }
        selection.batches = batch.map(\.batch)
        selection.fingerprints = fingerprint
        selection.since = since?.duration
        selection.until = until?.duration
        return selection
    }

    /// What a command that changes letters needs: something that narrows, or the word that nothing shall.
    func requireChoice(all: Bool) throws {
        guard selection().isEverything == all else {
            throw ValidationError(
                all ? "--all goes without a selection" : "say which letters: --id, --cause, --table, …, or --all")
        }
    }
}

/// `1690000000000-0`, or `7:1690000000000-0`.
struct NameArgument: ExpressibleByArgument {
    let name: LetterSelection.Name

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let last = parts.last, let id = StreamID(last) else { return nil }
        guard parts.count == 2 else {
            name = LetterSelection.Name(id: id)
            return
        }
        guard let source = Int32(parts[0]) else { return nil }
        name = LetterSelection.Name(source: SourceNumber(rawValue: source), id: id)
    }
}

extension Rejection.Reason {
    /// Reads a cause of dead letters.
    /// - Throws: when there is none of that name, with the one that was probably meant.
    fileprivate static func parse(_ text: String) throws -> Self {
        if let reason = Self(rawValue: text) { return reason }
        let known = allCases.map(\.rawValue)
        let nearest = NearestName.find(text, among: known).map { "did you mean \($0)?" }
        throw ValidationError("no such cause; " + (nearest ?? "there are \(known.joined(separator: ", "))"))
    }
}

struct BatchArgument: ExpressibleByArgument {
    let batch: HexUUID

    init?(argument: String) {
        guard let batch = HexUUID(argument) else { return nil }
        self.batch = batch
    }
}

/// The letters' side of the database that a configuration names.
struct LetterDesk {
    let store: LetterStore

    init(_ loaded: LoadedSettings) throws {
        let servers = Servers(loaded)
        let scope = LetterScope(
            redisID: loaded.settings.redis.id, redisDatabase: try servers.redisEndpoint().database,
            group: loaded.settings.consumerGroup)
        store = LetterStore(try servers.postgres(), scope: scope)
    }

    /// - Throws: when a letter that is named with its id is not in the selection, before anything is done.
    func requireNamed(in selection: LetterSelection, as words: String = "dead letter") throws {
        let missing = try store.unmatchedNames(of: selection, deadline: Self.deadline)
        guard missing.isEmpty else {
            throw CommandFailure(
                "no such \(words): \(missing.map(\.description).joined(separator: ", "))",
                fix: "see `millrace dlq ls --state any`")
        }
    }

    /// For letters' logs: who sits there.
    static var person: String {
        for name in ["SUDO_USER", "USER", "LOGNAME"] {
            if let user = Terminal.environment(name) { return user }
        }
        return "uid \(getuid())"
    }

    static var deadline: ContinuousClock.Instant { .now + .seconds(120) }
}
