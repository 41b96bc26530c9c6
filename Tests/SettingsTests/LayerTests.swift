import RecordCodec
import Testing

@testable import Settings

private let machine = Machine(hostName: "worker-1", processorCount: 4)

func load(
    _ text: String? = nil, environment: [String: String] = [:], flags: [String] = []
) throws(SettingsError) -> LoadedSettings {
    let file = text.map { SettingsInput.File(name: "test.yaml", text: $0) }
    return try Settings.load(
        SettingsInput(file: file, environment: environment, flags: flags, machine: machine))
}

/// The problems' texts, empty when there are none.
func problems(
    _ text: String? = nil, environment: [String: String] = [:], flags: [String] = []
) -> [String] {
    do throws(SettingsError) {
        _ = try load(text, environment: environment, flags: flags)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

@Suite struct LayerTests {
    @Test func laterLayersWin() throws {
        let file = "batching: { rows: 1, bytes: 1MiB, linger: 1s }"
        let environment = ["MILLRACE_BATCHING_ROWS": "2", "MILLRACE_BATCHING_BYTES": "2MiB"]
        let loaded = try load(file, environment: environment, flags: ["batching.rows=3"])
        #expect(loaded.settings.batching == .init(rows: 3, bytes: 2 << 20, linger: .seconds(1)))
        #expect(loaded.origins["batching.rows"] == .flag("batching.rows"))
        #expect(loaded.origins["batching.bytes"] == .environment(variable: "MILLRACE_BATCHING_BYTES"))
        #expect(loaded.origins["batching.linger"] == .file(name: "test.yaml", line: 1, column: 43))
        #expect(loaded.origins["lanes"] == .builtIn)
    }

    @Test func everyKeyHasAnEnvironmentTwin() throws {
        let variables = SettingKeys.all.map(\.environmentVariable)
        #expect(Set(variables).count == variables.count)
        #expect(SettingKeys.byPath["redis.url"]?.environmentVariable == "MILLRACE_REDIS_URL")
        #expect(try load(environment: ["MILLRACE_LANES": "7"]).settings.lanes == 7)
        #expect(try load(environment: ["MILLRACE_LANES": ""]).settings.lanes == 4)
    }

    @Test func emptyValuesInTheFileAreNotGiven() throws {
        let loaded = try load("redis:\nhttp:\n  address:\n  allowed_hosts: [a.example, b.example]\n")
        #expect(loaded.settings.http.address == HTTPAddress(host: "127.0.0.1", port: 4195))
        #expect(loaded.settings.http.allowedHosts == ["a.example", "b.example"])
    }

    @Test func aFileWithoutStreamsKeepsTheBuiltInOnes() throws {
        #expect(try load("lanes: 3").settings.streams.count == 11)
        #expect(try load("streams: {a: {keys: s, table: t, columns: {x: y}}}").settings.streams.map(\.name) == ["a"])
        #expect(try load("streams: {}").settings.streams.isEmpty)
    }

    @Test func flagsReachIntoStreams() throws {
        let loaded = try load(flags: ["streams.trades.table=other.trades", "streams.trades.keys=[a, b]"])
        #expect(loaded.settings.streams[0].table == "other.trades")
        #expect(loaded.settings.streams[0].keys == ["a", "b"])
    }

    @Test func variablesAreInterpolated() throws {
        let file = "redis: { url: \"redis://${HOST:nowhere}:${PORT:6379}/1\", id: \"a$${b}\" }"
        #expect(throws: SettingsError.self) { try load(file) }
        let loaded = try load(
            "redis: { url: \"redis://${HOST:nowhere}:${PORT:6379}/1\" }", environment: ["HOST": "cache"])
        #expect(loaded.settings.redis.url == "redis://cache:6379/1")
        #expect(Interpolation(environment: [:]).resolve("a$${b}") == .success("a${b}"))
        #expect(Interpolation(environment: [:]).resolve("${entry_time}") == .success("${entry_time}"))
        #expect(Interpolation(environment: ["A": "${B}"]).resolve("${A}") == .success("${B}"))
        #expect(
            problems("redis: { id: \"${MISSING}\" }").first
                == "test.yaml:1:14: redis.id: the variable MISSING is not set "
                + "(set it, or give a default: ${MISSING:value})")
    }
}

@Suite struct ProblemTests {
    @Test func allProblemsAreReportedAtOnce() {
        let file = """
            batching:
              row: 5
              bytes: much
            claim: 5
            limits: { entry: 2GiB }
            """
        #expect(
            problems(file, environment: ["MILLRACE_LANES": "none"], flags: ["nonsense", "log.level=inf"]) == [
                "test.yaml:2:3: batching.row: unknown key (did you mean \"batching.rows\"?)",
                "test.yaml:3:10: batching.bytes: \"much\" is not a size (write such as 8MiB)",
                "test.yaml:4:8: claim: a single value where a mapping belongs",
                "test.yaml:5:18: limits.entry: \"2GiB\" is out of range (1KiB to 64MiB)",
                "environment MILLRACE_LANES: lanes: \"none\" is not a whole number (write such as 1)",
                "flag -s nonsense: is not key=value (such as -s batching.rows=5000)",
                "flag -s log.level: log.level: \"inf\" is not one of trace, debug, info, notice, warning, error, critical "
                    + "(did you mean \"info\"?)",
            ])
    }

    @Test(arguments: [
        ("rdis: {url: x}", "redis"), ("redis: {ur: x}", "redis.url"), ("lane: 1", "lanes"),
        ("rows: 1", "batching.rows"), ("stream: {}", "streams"), ("postgres: {urls: x}", "postgres.url"),
    ])
    func unknownKeysNameTheNearest(_ text: String, _ nearest: String) {
        #expect(problems(text).first?.hasSuffix("unknown key (did you mean \"\(nearest)\"?)") == true)
    }

    @Test func brokenYAMLNamesItsPlace() {
        #expect(problems("redis:\n  url: [a\nlanes: 2").first?.hasPrefix("test.yaml:") == true)
        #expect(problems("lanes: 2\nlanes: 3").first?.contains("given twice: lanes") == true)
        #expect(problems("- a\n- b").first == "test.yaml:1:1: a list where a mapping belongs")
    }

    @Test func unknownVariablesAreWarningsOnly() throws {
        let environment = [
            "MILLRACE_SERVICE_HOST": "10.0.0.1", "MILLRACE_PORT": "tcp://10.0.0.1", "MILLRACE_BATCHING_ROW": "1",
            "MILLRACE_FAULT": "x",
        ]
        let warnings = try load(environment: environment).warnings
        #expect(
            warnings.map(\.description) == [
                "environment MILLRACE_BATCHING_ROW: no key has this variable (did you mean MILLRACE_BATCHING_ROWS?)"
            ])
    }

    @Test func valuesMustFitTogether() {
        #expect(
            problems("limits: { entry: 16MiB }") == [
                "test.yaml:1:18: limits.entry: is larger than limits.reply (raise limits.reply)"
            ])
        #expect(problems("http: { address: 0.0.0.0:80 }").first?.contains("set http.token_file") == true)
        #expect(problems("http: { address: 0.0.0.0:80, enabled: false }").isEmpty)
        #expect(problems("retry: { initial_interval: 3h }").count == 1)
    }

    @Test func anAddressThatIsNoneIsRefusedWithoutItsPassword() {
        #expect(problems("redis: { url: \"rediss://u:s3cret@h\" }").allSatisfy { !$0.contains("s3cret") })
        #expect(problems("postgres: { url: \"mysql://u:s3cret@h\" }").allSatisfy { !$0.contains("s3cret") })
    }
}

@Suite struct ValueTests {
    @Test(arguments: [
        ("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000), ("0", 0),
        ("1h30m", 5_400_000),
    ])
    func durationsAreReadAndWritten(_ text: String, _ milliseconds: Int64) throws {
        let duration = try #require(DurationText.parse(text))
        #expect(duration == .milliseconds(milliseconds))
        #expect(DurationText.parse(DurationText.render(duration)) == duration)
    }

    @Test(arguments: [
        "", "5", "s", "-1s", "1.5s", "1 s", "1x", "1m1h", "99999999999999999999s", "9223372036854775807d",
    ])
    func otherTextsAreNoDurations(_ text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: [
        ("512", 512), ("64KiB", 65536), ("8MiB", 8 << 20), ("1GiB", 1 << 30), ("2MB", 2_000_000), ("7B", 7),
    ])
    func sizesAreReadAndWritten(_ text: String, _ bytes: Int) throws {
        #expect(SizeText.parse(text) == bytes)
        #expect(SizeText.parse(SizeText.render(bytes)) == bytes)
    }

    @Test(arguments: ["", "MiB", "-1", "1.5MiB", "8 MiB", "8mib", "9223372036854775807GiB"])
    func otherTextsAreNoSizes(_ text: String) {
        #expect(SizeText.parse(text) == nil)
    }

    @Test func addressesAreReadAndJudged() throws {
        #expect(HTTPAddress("[::1]:80") == HTTPAddress(host: "::1", port: 80))
        #expect(HTTPAddress(":80")?.isLoopback == false)
        #expect(HTTPAddress("127.1.2.3:0")?.isLoopback == true)
        #expect(HTTPAddress("127.evil.example:80")?.isLoopback == false)
        #expect(HTTPAddress("[::1]:80")?.description == "[::1]:80")
        for text in ["", "host", "host:", "host:70000", "::1:80", "[host]:80", "http://a:80"] {
            #expect(HTTPAddress(text) == nil, "\(text)")
        }
    }

    @Test func daysAreCountedAsTheCalendarDoes() {
        #expect(CalendarDay.daysSinceEpoch("1970-01-01") == 0)
        #expect(CalendarDay.daysSinceEpoch("2009-01-03") == 14247)
        #expect(CalendarDay.daysSinceEpoch("2000-02-29") == 11016)
        #expect(CalendarDay.daysSinceEpoch("1900-03-01") == -25508)
        for text in ["2021-02-29", "1900-02-29", "2021-13-01", "2021-1-1", "2021-01-00", "x", "2021-04-31"] {
            #expect(CalendarDay.daysSinceEpoch(text) == nil, "\(text)")
        }
    }

    @Test func distanceCountsTypingErrors() {
        let distance = { (a: String, b: String) in NearestName.distance(Array(a.utf8), Array(b.utf8)) }
        #expect(distance("rows", "rows") == 0)
        #expect(distance("rwos", "rows") == 1)
        #expect(distance("", "rows") == 4)
        #expect(distance("kitten", "sitting") == 3)
        #expect(NearestName.find("zzz", among: ["rows", "bytes"]) == nil)
    }
}
