import IngestCore
import Records
import Testing

let here = SourceNumber(rawValue: 1)
let there = SourceNumber(rawValue: 2)

func id(_ milliseconds: UInt64) -> StreamID { StreamID(milliseconds: milliseconds, sequence: 0) }

func ids(_ milliseconds: UInt64...) -> [StreamID] { milliseconds.map(id) }

func span(_ lower: UInt64, _ upper: UInt64) -> IDRange { IDRange(id(lower), id(upper)) }

func covering(_ ranges: IDRange..., of source: SourceNumber = here) -> Coverage {
    Coverage(ranges.map { (source: source, ids: $0) })
}

/// `#require` cannot hold a call that mutates: this can.
func must<Value>(_ value: Value?) throws -> Value {
    try #require(value)
}
