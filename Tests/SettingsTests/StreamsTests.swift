import RecordCodec
import Testing

@testable import Settings

/// The columns of a mapping whose only column is `x`, or what is wrong with it.
private func column(_ text: String) throws -> ColumnMapping {
    let loaded = try load("streams: { a: { keys: s, table: t, columns: { x: \(text) } } }")
    return try #require(loaded.settings.streams.first?.columns.first)
}

private func columnProblem(_ text: String) -> String? {
    problems("streams: { a: { keys: s, table: t, columns: { x: \(text) } } }").first
}

@Suite struct ColumnFormTests {
    @Test func theSourcesAreRead() throws {
        #expect(try column("price").source == .fields(["price"]))
        #expect(try column("{field: price}").source == .fields(["price"]))
        #expect(try column("{field: [a, b]}").source == .fields(["a", "b"]))
        #expect(try column("{value: limit}").source == .constant("limit"))
        #expect(try column("{value: 1.10}").source == .constant("1.10"))
        #expect(try column("{entry: id}").source == .entryID)
        #expect(try column("{entry: time}").source == .entryTime)
        #expect(try column("{stream: name}").source == .streamName)
        #expect(
            try column("{present: {book: snapshot, delta: delta}}").source
                == .present([.init(field: "book", text: "snapshot"), .init(field: "delta", text: "delta")]))
    }

    @Test func theModifiersAreRead() throws {
        for format in ColumnMapping.Format.allCases {
            #expect(try column("{field: f, format: \(format.rawValue)}").format == format)
        }
        #expect(try column("{field: f, null_text: None}").nullTexts == ["None"])
        #expect(try column("{field: f, null_text: [None, \"\"]}").nullTexts == ["None", ""])
        let lookup = try column("{field: f, lookup: {True: true, False: false}, lookup_others: true, round: true}")
        #expect(lookup.lookup == ["True": "true", "False": "false"])
        #expect(lookup.lookupOthers && lookup.rounds)
    }

    @Test func pathsAreReadInAllForms() throws {
        #expect(try column("{field: f, path: bid}").path == [.key("bid")])
        #expect(try column("{field: f, path: [bid, 0]}").path == [.key("bid"), .index(0)])
        #expect(
            try column("{field: f, path: \"a.b[0][12].c\"}").path == [
                .key("a"), .key("b"), .index(0), .index(12), .key("c"),
            ])
        #expect(try column("{field: f, path: \"[3]\"}").path == [.index(3)])
        for path in ["a..b", ".a", "a[", "a[x]", "a[-1]", "a[0]b", "\"\""] {
            #expect(columnProblem("{field: f, path: \"\(path == "\"\"" ? "" : path)\"}") != nil, "\(path)")
        }
    }

    @Test func theDefaultsAreRead() throws {
        #expect(try column("{field: f, default: 0}").fallback == .constant("0"))
        #expect(try column("{field: f, default: \"${entry_id}\"}").fallback == .entryID)
        #expect(try column("{field: f, default: \"${entry_time}\"}").fallback == .entryTime)
        #expect(try column("{field: f, default: \"${stream}\"}").fallback == .streamName)
        #expect(try column("{field: f, default: {field: g}}").fallback == .field("g"))
    }

    @Test(arguments: [
        ("{field: f, formt: auto}", "did you mean \"format\"?"), ("{format: auto}", "has no source"),
        ("{field: f, value: 1}", "has 2 sources"), ("{entry: ids}", "is not id or time"),
        ("[a]", "a list where a field belongs"), ("{field: f, format: epoch}", "is not one of"),
        ("{field: f, round: maybe}", "is not true or false"), ("{field: f, lookup: [a]}", "is not a mapping"),
        ("{field: f, default: [a]}", "is no default"), ("{field: []}", "neither a text nor a list"),
        ("{present: {a: [b]}}", "is not a mapping of fields to texts"), ("null", "nothing where a field belongs"),
    ])
    func wrongFormsAreNamed(_ text: String, _ expected: String) {
        #expect(columnProblem(text)?.contains(expected) == true, "\(columnProblem(text) ?? "no problem")")
        #expect(columnProblem(text)?.contains("streams.a.columns.x") == true)
    }
}

@Suite struct MappingTests {
    private func mapping(_ more: String) throws -> StreamMapping {
        let text = "streams: { a: { keys: [s, \"t-*\"], table: p.t, columns: { time: t, x: y }, \(more) } }"
        return try #require(try load(text).settings.streams.first)
    }

    private func problem(_ more: String) -> String? {
        problems("streams: { a: { keys: s, table: t, columns: { time: t, x: y }, \(more) } }").first
    }

    @Test func conditionsConflictsAndKeysAreRead() throws {
        let mapping = try mapping("when: {field: k, equals: v}, on_conflict: update, key: [x], version: time")
        #expect(mapping.keys == ["s", "t-*"])
        #expect(mapping.table == "p.t")
        #expect(mapping.condition == .equals(field: "k", value: "v"))
        #expect(mapping.onConflict == .update && mapping.key == ["x"] && mapping.version == ["time"])
        #expect(try self.mapping("when: {present: k}").condition == .present("k"))
        #expect(try self.mapping("").onConflict == .error)
    }

    @Test func timeWindowsAreRead() throws {
        #expect(try mapping("").timeWindow == .standard)
        #expect(try mapping("time_window: off").timeWindow == nil)
        #expect(
            try mapping("time_window: {column: x, from: 1970-01-02, ahead: 1h}").timeWindow
                == TimeWindow(column: "x", earliestMicroseconds: 86_400_000_000, aheadMicroseconds: 3_600_000_000))
        #expect(try load("streams: {a: {keys: s, table: t, columns: {x: y}}}").settings.streams[0].timeWindow == nil)
        #expect(problem("time_window: {column: z}")?.contains("is not mapped") == true)
        #expect(problem("time_window: {from: 2009-02-30}")?.contains("is not a day") == true)
        #expect(problem("time_window: {ahead: soon}")?.contains("is not a duration") == true)
    }

    @Test func incompleteMappingsAreNamed() {
        #expect(problem("on_conflict: ignore")?.contains("needs the columns of the unique key") == true)
        #expect(problem("on_conflict: update, key: x")?.contains("which row is later") == true)
        #expect(problem("apply: f")?.contains("on_conflict: update") == true)
        #expect(problem("on_conflict: ignore, key: x, earliest: x")?.contains("on_conflict: update") == true)
        #expect(
            problem("on_conflict: update, key: x, version: x, apply: f, earliest: x")?.contains("function decides")
                == true)
        #expect(problem("on_conflict: ignore, key: tme")?.contains("did you mean \"time\"?") == true)
        #expect(problem("when: {here: x}")?.contains("unknown key") == true)
        #expect(problem("tabel: x")?.contains("did you mean \"table\"?") == true)
        #expect(problems("streams: { a: { } }").count == 3)
        #expect(problems("streams: { a: { keys: s, table: t } }").first?.contains("no columns") == true)
        #expect(problems("streams: [a]").first?.contains("a list where a mapping belongs") == true)
    }

    @Test func variantsInheritAndReplace() throws {
        let streams = try load(
            """
            streams:
              a:
                keys: s
                table: t
                columns: { x: f, y: g }
                variants:
                  one: { when: { present: p }, columns: { y: h, z: i } }
                  two: { table: u }
            """
        ).settings.streams
        #expect(streams.map(\.name) == ["a.one", "a.two"])
        #expect(streams.map(\.table) == ["t", "u"])
        #expect(streams.map(\.keys) == [["s"], ["s"]])
        #expect(streams[0].condition == .present("p") && streams[1].condition == nil)
        #expect(streams[0].columns.map(\.column) == ["x", "y", "z"])
        #expect(streams[0].columns[1].source == .fields(["h"]))
        #expect(streams[1].columns.map(\.source) == [.fields(["f"]), .fields(["g"])])
    }

    @Test func theOrderOfTheFileIsKept() throws {
        let names = (0..<20).map { "m\($0)" }.shuffled()
        let text = names.map { "  \($0): { keys: s, table: t, columns: { x: y } }" }.joined(separator: "\n")
        #expect(try load("streams:\n\(text)").settings.streams.map(\.name) == names)
    }

    @Test func problemsInStreamsNameTheirPlace() {
        #expect(
            problems("streams:\n  a:\n    keys: s\n    table: t\n    columns:\n      x: { feld: y }")[0]
                == "test.yaml:6:12: streams.a.columns.x.feld: unknown key (did you mean \"field\"?)")
    }
}
