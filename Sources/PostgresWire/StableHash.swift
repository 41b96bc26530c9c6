/// FNV-1a, 64 bits: a number for bytes that is the same in every process, version and machine.
///
/// For names, locks and change detection; it does not withstand someone who wants two inputs to agree.
public struct StableHash: Sendable {
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    /// Adds the bytes, and an end mark, so that ("ab", "c") and ("a", "bc") differ.
    public mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { add(byte) }
        add(0xFF)
    }

    public mutating func combine(_ text: String) {
        combine(text.utf8)
    }

    /// 16 hexadecimal digits.
    public var hex: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    private mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01b3
    }
}
