/// The type of a column, as far as the codec can write it.
public indirect enum ColumnType: Equatable, Sendable {
    /// `text`, `varchar(n)` and `char(n)`; the length is in characters, `nil` without a limit.
    case text(maxLength: Int?)
    /// `numeric(precision, scale)`, or `nil` for a plain `numeric`.
    case numeric(NumericModifier?)
    case int2, int4, int8
    case float4, float8
    case bool
    case timestamptz, timestamp, date
    case jsonb, json
    case uuid, bytea, interval
    /// An array of one dimension. The server checks the element's type number in the data, so it is kept.
    case array(of: ColumnType, elementOID: UInt32)
    /// Any other type, by its name in `pg_type`. A column of it cannot be mapped, but may be left out.
    case unsupported(String)

    public struct NumericModifier: Hashable, Sendable {
        public var precision: Int
        /// May be negative, and larger than the precision (PostgreSQL 15).
        public var scale: Int

        public init(precision: Int, scale: Int) {
            self.precision = precision
            self.scale = scale
        }
    }

    /// `numeric(precision, scale)`.
    public static func numeric(_ precision: Int, _ scale: Int) -> ColumnType {
        .numeric(NumericModifier(precision: precision, scale: scale))
    }

    /// Reads a type as the catalog has it.
    /// - Parameters:
    ///   - typeName: `pg_type.typname`, such as `numeric`, `int8` or `_text`; of a domain, its base type's.
    ///   - typmod: `pg_attribute.atttypmod`, -1 for none.
    public init(typeName: String, typmod: Int32) {
        if typeName.hasPrefix("_"), let scalar = ColumnType.scalar(String(typeName.dropFirst()), typmod) {
            self = .array(of: scalar.type, elementOID: scalar.oid)
        } else {
            self = ColumnType.scalar(typeName, typmod)?.type ?? .unsupported(typeName)
        }
    }

    private static func scalar(_ name: String, _ typmod: Int32) -> (type: ColumnType, oid: UInt32)? {
        switch name {
        case "text": (.text(maxLength: nil), 25)
        case "varchar": (.text(maxLength: length(typmod)), 1043)
        case "bpchar": (.text(maxLength: length(typmod)), 1042)
        case "numeric": (.numeric(modifier(typmod)), 1700)
        case "int2": (.int2, 21)
        case "int4": (.int4, 23)
        case "int8": (.int8, 20)
        case "float4": (.float4, 700)
        case "float8": (.float8, 701)
        case "bool": (.bool, 16)
        case "timestamptz": (.timestamptz, 1184)
        case "timestamp": (.timestamp, 1114)
        case "date": (.date, 1082)
        case "jsonb": (.jsonb, 3802)
        case "json": (.json, 114)
        case "uuid": (.uuid, 2950)
        case "bytea": (.bytea, 17)
        case "interval": (.interval, 1186)
        default: nil
        }
    }

    /// The server adds four to the declared length.
    private static func length(_ typmod: Int32) -> Int? {
        typmod >= 4 ? Int(typmod) - 4 : nil
    }

    /// Precision in the upper half, scale in the lower eleven bits with sign; four is added to the whole.
    private static func modifier(_ typmod: Int32) -> NumericModifier? {
        guard typmod >= 4 else { return nil }
        let packed = Int(typmod) - 4
        return NumericModifier(precision: (packed >> 16) & 0xFFFF, scale: ((packed & 0x7FF) ^ 1024) - 1024)
    }
}

extension ColumnType: CustomStringConvertible {
    /// The type as SQL writes it, such as `numeric(38,18)` or `text[]`.
    public var description: String {
        switch self {
        case .text(nil): "text"
        case .text(let length?): "varchar(\(length))"
        case .numeric(nil): "numeric"
        case .numeric(let modifier?): "numeric(\(modifier.precision),\(modifier.scale))"
        case .int2: "smallint"
        case .int4: "integer"
        case .int8: "bigint"
        case .float4: "real"
        case .float8: "double precision"
        case .bool: "boolean"
        case .timestamptz: "timestamptz"
        case .timestamp: "timestamp"
        case .date: "date"
        case .jsonb: "jsonb"
        case .json: "json"
        case .uuid: "uuid"
        case .bytea: "bytea"
        case .interval: "interval"
        case .array(let element, _): "\(element)[]"
        case .unsupported(let name): name
        }
    }
}
