import CZlib
import Glibc
import RecordFiles
import Records
import Testing

/// A file in a folder of its own, removed with this value.
private struct TemporaryFile: ~Copyable {
    let path: String

    init(_ bytes: [UInt8]) throws {
        path = try Self.make(bytes)
    }

    private static func make(_ bytes: [UInt8]) throws -> String {
        var template = Array("/tmp/millrace-records-\(String(repeating: "X", count: 6))".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = template.withUnsafeBufferPointer {
            String(decoding: UnsafeRawBufferPointer($0).dropLast(), as: UTF8.self)
        }
        let descriptor = open("\(folder)/records", O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
        return "\(folder)/records"
    }

    deinit {
        unlink(path)
        rmdir(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
    }
}

private func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
        &stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + 1024)
    let room = output.count
    let left = input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { target in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(room)
            deflate(&stream, Z_FINISH)
            return Int(stream.avail_out)
        }
    }
    return Array(output[..<(room - left)])
}

private func read(
    _ bytes: [UInt8], _ format: RecordFormat, limit: Int = RecordFileReader.standardRecordLimit
) throws -> [FileRecord] {
    let file = try TemporaryFile(bytes)
    let reader = try RecordFileReader(path: file.path, format: format, recordLimitBytes: limit)
    var records: [FileRecord] = []
    while let record = try reader.next() { records.append(record) }
    return records
}

private func texts(_ text: String, _ format: RecordFormat) throws -> [[String]] {
    try read(Array(text.utf8), format).map { record in
        record.fields.map { "\(String(decoding: $0.name, as: UTF8.self))=\(String(decoding: $0.value, as: UTF8.self))" }
    }
}

private func message(_ text: String, _ format: RecordFormat) -> String? {
    do {
        _ = try texts(text, format)
        return nil
    } catch let error as RecordFileError {
        return "\(error.line.map(String.init) ?? "-"): \(error.message)"
    } catch {
        return "\(error)"
    }
}

@Suite struct ObjectFileTests {
    @Test func numbersKeepTheirText() throws {
        let records = try texts(
            #"{"price":1.10,"amount":-0.50e+03,"big":123456789012345678901234567890,"ok":true}"#, .ndjson)
        #expect(records == [["price=1.10", "amount=-0.50e+03", "big=123456789012345678901234567890", "ok=true"]])
    }

    @Test func nullIsLeftOutAndNestedJSONKeepsItsText() throws {
        let records = try texts(
            #"{"a":null,"b":[[1.0, "x" ],{"c":{}}],"d":{"e" : [] },"f":""}"#, .ndjson)
        #expect(records == [[#"b=[[1.0, "x" ],{"c":{}}]"#, #"d={"e" : [] }"#, "f="]])
    }

    @Test func escapesAndSurrogatesAreDecoded() throws {
        #expect(
            try texts(#"{"\u0061":"\"\\\/\b\f\n\r\t é\u00e9\ud83d\ude00"}"#, .ndjson) == [
                ["a=\"\\/\u{8}\u{C}\n\r\t éé😀"]
            ])
    }

    @Test func emptyLinesCarriageReturnsAndAByteOrderMarkAreSkipped() throws {
        #expect(try texts("\u{FEFF}{\"a\":1}\r\n\r\n  \n{\"a\":2}", .ndjson) == [["a=1"], ["a=2"]])
        #expect(try texts("", .ndjson).isEmpty)
        #expect(try texts("{}", .ndjson) == [[]])
    }

    @Test func recordsKnowTheirLine() throws {
        #expect(try read(Array("\n{}\n\n{}\n".utf8), .ndjson).map(\.line) == [2, 4])
    }

    @Test(arguments: [
        #"{"a":1"#, #"{"a":}"#, #"{"a" 1}"#, #"{a:1}"#, #"[1]"#, #"{"a":1} x"#, #"{"a":01}"#, #"{"a":1.}"#,
        #"{"a":.5}"#, #"{"a":+1}"#, #"{"a":NaN}"#, #"{"a":"x}"#, #"{"a":"\x"}"#, #"{"a":"\ud800"}"#,
        #"{"a":"\ud800\u0041"}"#, #"{"a":"\u12g4"}"#, #"{"a":"\u+123"}"#, "{\"a\":\"\u{1}\"}", #"{"a":[1,]}"#,
        #"{"a":[1 2]}"#, #"{"a":{"b"}}"#, #"{"a":[}"#, #"{"a":1,}"#,
    ])
    func malformedLinesAreRefusedWithTheirLine(_ line: String) {
        #expect(message("{}\n\(line)\n", .ndjson)?.hasPrefix("2: ") == true)
    }

    @Test func deepNestingIsRefusedNotCrashed() {
        let deep = "{\"a\":" + String(repeating: "[", count: 100_000)
        #expect(message(deep, .ndjson)?.contains("nested deeper") == true)
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        #expect(throws: RecordFileError.self) { try read([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], .ndjson) }
    }

    @Test func aTooLongLineIsRefused() {
        let line = "{\"a\":\"" + String(repeating: "x", count: 300_000) + "\"}"
        #expect(throws: RecordFileError.self) { try read(Array(line.utf8), .ndjson, limit: 100_000) }
    }
}

@Suite struct CSVFileTests {
    @Test func theHeaderNamesTheFields() throws {
        #expect(try texts("a,b\n1.10,x\r\n2,y", .csv) == [["a=1.10", "b=x"], ["a=2", "b=y"]])
    }

    @Test func quotedValuesHoldCommasQuotesAndLines() throws {
        #expect(
            try texts("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"two\r\n\nlines\",2\n", .csv) == [
                ["a=x,y", "b=say \"hi\""], ["a=two\r\n\nlines", "b=2"],
            ])
    }

    @Test func nothingIsNoValueAndQuotesAreAnEmptyOne() throws {
        #expect(try texts("a,b,c\n1,,\"\"\n", .csv) == [["a=1", "c="]])
    }

    @Test func recordsKnowTheLineTheyBeginOn() throws {
        #expect(try read(Array("a\n\"1\n2\"\n3\n".utf8), .csv).map(\.line) == [2, 4])
    }

    @Test(arguments: [
        ("a,b\n1\n", "2: 1 values, but the header has 2 names"),
        ("a\n1\n\"x", "3: a quoted value does not end"),
        ("a\nx\"y\n", "2: a quote inside a value that is not quoted"),
        ("a\n\"x\"y\n", "2: something follows a quoted value"),
        ("a,\n1,2\n", "1: the header has an empty name"),
    ])
    func malformedRecordsAreRefusedWithTheirLine(_ text: String, _ expected: String) {
        #expect(message(text, .csv) == expected)
    }
}

@Suite struct EntryFileTests {
    @Test func streamIDAndFieldsAreRead() throws {
        let line = #"{"stream":"md:trades","id":"1795335853182-7","extra":[1],"fields":[["a","1.10"],["a",2.50]]}"#
        let record = try #require(try read(Array(line.utf8), .entries).first)
        #expect(record.stream == StreamKey("md:trades"))
        #expect(record.id == StreamID(milliseconds: 1_795_335_853_182, sequence: 7))
        #expect(record.fields.map(\.value) == [Array("1.10".utf8), Array("2.50".utf8)])
        #expect(record.fields.map(\.name) == [[0x61], [0x61]])
    }

    @Test func bytesTravelAsHexadecimalDigits() throws {
        let record = try #require(try read(Array(#"{"fields":[["a",{"hex":"00ffFE"}]]}"#.utf8), .entries).first)
        #expect(record.fields == [.init(name: [0x61], value: [0x00, 0xFF, 0xFE])])
        #expect(record.stream == nil && record.id == nil)
    }

    @Test(arguments: [
        #"{"stream":"a"}"#, #"{"fields":[["a"]]}"#, #"{"fields":[["a","b","c"]]}"#, #"{"fields":[["a",null]]}"#,
        #"{"id":"x","fields":[]}"#, #"{"fields":[["a",{"hex":"0"}]]}"#, #"{"fields":[["a",{}]]}"#,
    ])
    func malformedEntriesAreRefused(_ line: String) {
        #expect(message(line, .entries)?.hasPrefix("1: ") == true)
    }
}

@Suite struct CompressedFileTests {
    private let text = (0..<50_000).map { "{\"n\":\($0)}\n" }.joined()

    @Test func gzipIsRecognisedByItsContent() throws {
        let packed = gzip(Array(text.utf8))
        let records = try read(packed, .ndjson)
        #expect(records.count == 50_000)
        #expect(records.last?.fields.first?.value == Array("49999".utf8))
    }

    @Test func membersFollowOneAnother() throws {
        let packed = gzip(Array("{\"a\":1}\n{\"a\"".utf8)) + gzip(Array(":2}\n".utf8))
        #expect(try read(packed, .ndjson).count == 2)
    }

    @Test func damageAndCutsAreReported() {
        let packed = gzip(Array(text.utf8))
        #expect(throws: RecordFileError.self) { try read(Array(packed.dropLast(100)), .ndjson) }
        var damaged = packed
        for index in 5000..<5100 { damaged[index] ^= 0xFF }
        #expect(throws: RecordFileError.self) { try read(damaged, .ndjson) }
    }

    @Test func aMissingFileIsNamed() {
        #expect {
            try RecordFileReader(path: "/nowhere/trades.csv", format: .csv)
        } throws: { error in
            "\(error)".hasPrefix("/nowhere/trades.csv: cannot be opened: No such file")
        }
    }

    @Test func formatsAreGuessedFromNames() {
        #expect(RecordFormat(path: "a/b.csv.gz") == .csv)
        #expect(RecordFormat(path: "x.ndjson") == .ndjson)
        #expect(RecordFormat(path: "-") == nil)
    }

    @Test func pipesDeliverInPieces() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let bytes = Array("{\"a\":1}\n{\"a\":2}".utf8)
        for byte in bytes { _ = withUnsafeBytes(of: byte) { write(ends[1], $0.baseAddress, 1) } }
        close(ends[1])
        defer { close(ends[0]) }
        let reader = RecordFileReader(descriptor: ends[0], name: "pipe", format: .ndjson)
        #expect(try reader.next()?.line == 1)
        #expect(try reader.next()?.line == 2)
        #expect(try reader.next() == nil)
    }
}
