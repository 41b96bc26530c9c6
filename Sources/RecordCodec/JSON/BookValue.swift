import Records

extension ValueEncoder {
    /// One side of an order book, as `[["price","size"(,"order")],…]` in the order given.
    ///
    /// It may come as `{"PRICE":SIZE}`, as `{"PRICE":{"ORDER":SIZE}}`, or as a list of `[PRICE,SIZE]`,
    /// `[PRICE,SIZE,ORDER]` or (`orderFirst`) `[ORDER,PRICE,SIZE]`. Prices and sizes may be numbers or strings that
    /// hold one; their digits are copied as they are.
    func encodeBook(_ text: ByteText, _ shape: BookShape, into out: inout CopyBuffer) -> Rejection.Reason? {
        let start = out.count
        // Quotes and brackets add a little to each level; more room is made when it turns out to be needed.
        out.reserve(text.count &* 2 &+ 16)
        out.append32(0)
        if shape.isBinaryJSON { out.append8(1) }
        var reader = BookReader(text, orderFirst: shape.orderFirst)
        if let reason = reader.copy(into: &out) { return reason }
        out.store32(Int32(truncatingIfNeeded: out.count &- start &- 4), at: start)
        return nil
    }
}

/// Reads one side of a book and writes its levels, in one pass.
struct BookReader: ~Escapable {
    private var cursor: JSONCursor
    private let orderFirst: Bool
    private var isFirst = true

    /// Longer numbers and order ids are refused; that also bounds what a level can grow to.
    private static let maxNumberBytes = 100
    private static let maxOrderBytes = 256

    @_lifetime(copy text)
    init(_ text: ByteText, orderFirst: Bool) {
        cursor = JSONCursor(text)
        self.orderFirst = orderFirst
    }

    @_lifetime(self: copy self)
    mutating func copy(into out: inout CopyBuffer) -> Rejection.Reason? {
        cursor.skipBlanks()
        out.append8(UInt8(ascii: "["))
        let reason: Rejection.Reason?
        if cursor.take("{") {
            reason = copyObject(&out)
        } else if cursor.take("[") {
            reason = copyList(&out)
        } else {
            reason = .invalidBook
        }
        if let reason { return BookReader.asBook(reason) }
        out.append8(UInt8(ascii: "]"))
        cursor.skipBlanks()
        return cursor.isAtEnd ? nil : .invalidBook
    }

    /// Texts that the server cannot hold keep their own reason; whatever else is wrong, it is no book.
    private static func asBook(_ reason: Rejection.Reason) -> Rejection.Reason {
        reason == .nulByte || reason == .invalidUTF8 ? reason : .invalidBook
    }

    // MARK: {"PRICE":SIZE} and {"PRICE":{"ORDER":SIZE}}

    @_lifetime(self: copy self)
    private mutating func copyObject(_ out: inout CopyBuffer) -> Rejection.Reason? {
        cursor.skipBlanks()
        if cursor.take("}") { return nil }
        var price = JSONCursor.StringPart()
        var size = JSONCursor.StringPart()
        while true {
            if let reason = quoted(&price) { return reason }
            cursor.skipBlanks()
            guard cursor.take(":") else { return .invalidBook }
            cursor.skipBlanks()
            if cursor.take("{") {
                if let reason = copyOrders(price, &out) { return reason }
            } else {
                if let reason = number(&size) { return reason }
                write(price, size, &out)
            }
            cursor.skipBlanks()
            if cursor.take("}") { return nil }
            guard cursor.take(",") else { return .invalidBook }
            cursor.skipBlanks()
        }
    }

    @_lifetime(self: copy self)
    private mutating func copyOrders(
        _ price: JSONCursor.StringPart, _ out: inout CopyBuffer
    ) -> Rejection.Reason? {
        cursor.skipBlanks()
        if cursor.take("}") { return nil }
        var order = JSONCursor.StringPart()
        var size = JSONCursor.StringPart()
        while true {
            if let reason = self.order(&order) { return reason }
            cursor.skipBlanks()
            guard cursor.take(":") else { return .invalidBook }
            cursor.skipBlanks()
            if let reason = number(&size) { return reason }
            write(price, size, order, &out)
            cursor.skipBlanks()
            if cursor.take("}") { return nil }
            guard cursor.take(",") else { return .invalidBook }
            cursor.skipBlanks()
        }
    }

    // MARK: [[PRICE,SIZE],…] and three parts

    @_lifetime(self: copy self)
    private mutating func copyList(_ out: inout CopyBuffer) -> Rejection.Reason? {
        cursor.skipBlanks()
        if cursor.take("]") { return nil }
        while true {
            guard cursor.take("[") else { return .invalidBook }
            if let reason = copyLevel(&out) { return reason }
            cursor.skipBlanks()
            if cursor.take("]") { return nil }
            guard cursor.take(",") else { return .invalidBook }
            cursor.skipBlanks()
        }
    }

    @_lifetime(self: copy self)
    private mutating func copyLevel(_ out: inout CopyBuffer) -> Rejection.Reason? {
        var parts: InlineArray<3, JSONCursor.StringPart> = .init(repeating: JSONCursor.StringPart())
        var count = 0
        while true {
            cursor.skipBlanks()
            guard count < 3 else { return .invalidBook }
            if let reason = order(&parts[count]) { return reason }
            count &+= 1
            cursor.skipBlanks()
            if cursor.take("]") { break }
            guard cursor.take(",") else { return .invalidBook }
        }
        guard count >= 2 else { return .invalidBook }
        let price = parts[count == 3 && orderFirst ? 1 : 0]
        let size = parts[count == 3 && orderFirst ? 2 : 1]
        guard isNumber(price), isNumber(size) else { return .invalidBook }
        if count == 2 {
            write(price, size, &out)
        } else {
            write(price, size, parts[orderFirst ? 0 : 2], &out)
        }
        return nil
    }

    // MARK: Parts

    /// A number, or a string that holds one.
    @_lifetime(self: copy self)
    @inline(__always)
    private mutating func number(_ part: inout JSONCursor.StringPart) -> Rejection.Reason? {
        if cursor.byte == UInt8(ascii: "\"") { return quoted(&part) }
        part.lower = cursor.index
        if let reason = cursor.number() { return reason }
        part.upper = cursor.index
        return part.upper &- part.lower <= BookReader.maxNumberBytes ? nil : .invalidBook
    }

    @_lifetime(self: copy self)
    @inline(__always)
    private mutating func quoted(_ part: inout JSONCursor.StringPart) -> Rejection.Reason? {
        if let reason = cursor.string(&part) { return reason }
        return isNumber(part) ? nil : .invalidBook
    }

    /// An order's id: a string, kept with its escapes, or a number.
    @_lifetime(self: copy self)
    @inline(__always)
    private mutating func order(_ part: inout JSONCursor.StringPart) -> Rejection.Reason? {
        if cursor.byte == UInt8(ascii: "\"") {
            if let reason = cursor.string(&part) { return reason }
            if cursor.hasNulEscape { return .nulByte }
            return part.upper &- part.lower <= BookReader.maxOrderBytes ? nil : .invalidBook
        }
        return number(&part)
    }

    /// Whether a part is a finite number of a sensible size.
    @inline(__always)
    private func isNumber(_ part: JSONCursor.StringPart) -> Bool {
        let count = part.upper &- part.lower
        guard count > 0, count <= BookReader.maxNumberBytes else { return false }
        var number = DecimalText()
        guard number.read(cursor.text.slice(part.lower, part.upper)) == nil else { return false }
        return number.exponent >= -1000 && number.exponent <= 1000
    }

    // MARK: Writing

    @inline(__always)
    private mutating func write(
        _ price: JSONCursor.StringPart, _ size: JSONCursor.StringPart, _ out: inout CopyBuffer
    ) {
        open(&out)
        out.append(cursor.text.slice(price.lower, price.upper))
        out.appendLow(0x22_2C_22, 3)  // ","
        out.append(cursor.text.slice(size.lower, size.upper))
        out.appendLow(0x5D_22, 2)  // "]
    }

    private mutating func write(
        _ price: JSONCursor.StringPart, _ size: JSONCursor.StringPart, _ order: JSONCursor.StringPart,
        _ out: inout CopyBuffer
    ) {
        open(&out)
        out.append(cursor.text.slice(price.lower, price.upper))
        out.appendLow(0x22_2C_22, 3)
        out.append(cursor.text.slice(size.lower, size.upper))
        out.appendLow(0x22_2C_22, 3)
        out.append(cursor.text.slice(order.lower, order.upper))
        out.appendLow(0x5D_22, 2)
    }

    /// `["`, with a comma before all but the first.
    @inline(__always)
    private mutating func open(_ out: inout CopyBuffer) {
        if isFirst {
            out.appendLow(0x22_5B, 2)
            isFirst = false
        } else {
            out.appendLow(0x22_5B_2C, 3)
        }
    }
}
