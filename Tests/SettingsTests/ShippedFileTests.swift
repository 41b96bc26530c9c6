import Foundation
import Testing

@testable import Settings

/// The files under `config/`.
@Suite struct ShippedFileTests {
    private static let config = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config")

    private func text(_ name: String) throws -> String {
        try String(contentsOf: Self.config.appending(path: name), encoding: .utf8)
    }

    @Test func theBuiltInConfigurationIsTheShippedOne() throws {
        #expect(SettingsInput.builtInFile.text == (try text("millrace.yaml")))
    }

    @Test func theReferenceHoldsEveryKeyWithItsDefault() throws {
        let reference = try text("reference.yaml")
        let loaded = try load(reference)
        var expected = try load().settings
        expected.streams = loaded.settings.streams
        #expect(loaded.settings == expected)
        for key in SettingKeys.all {
            let name = key.path.split(separator: ".").last ?? ""
            #expect(reference.contains("\(name): "), "\(key.path)")
        }
        // Keys without a default, and those whose default depends on the machine.
        let withoutValue = SettingKeys.all.map(\.path).filter { loaded.origins[$0] == .builtIn }
        #expect(
            withoutValue == [
                "redis.password", "redis.password_file", "postgres.password", "postgres.password_file",
                "postgres.direct_url", "worker", "lanes", "http.token_file",
            ])
    }

    @Test func theReferenceShowsEveryKeyOfAMapping() throws {
        let reference = try text("reference.yaml")
        for key in StreamsReader.mappingKeys + ColumnReader.sources + ColumnReader.modifiers {
            #expect(reference.contains("\(key):"), "\(key)")
        }
    }

    @Test func whatIsShownCanBeReadAgain() throws {
        let input = try load(try text("reference.yaml"), flags: ["lanes=5", "http.allowed_hosts=a.example, b.example"])
        let again = try load(input.yaml())
        #expect(again.settings == input.settings)
        let builtIn = try load()
        #expect(try load(builtIn.yaml()).settings == builtIn.settings)
        #expect(input.yaml().contains("lanes: 5  # flag -s lanes\n"))
    }

    @Test func theJSONIsJSON() throws {
        let loaded = try load(flags: ["lanes=5"])
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(loaded.json().utf8)) as? [String: [String: Any]])
        let lanes = object["settings"]?["lanes"] as? [String: String]
        #expect(lanes == ["value": "5", "origin": "flag -s lanes"])
        #expect(object["streams"]?.count == 10)
    }
}
