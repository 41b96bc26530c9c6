import RecordCodec

extension SettingsLoader {
    mutating func readStreams() -> [StreamMapping] {
        var reader = StreamsReader()
        let mappings = reader.read(streams)
        problems += reader.problems
        return mappings
    }
}

/// Reads `streams` into mappings, in the order of the text.
struct StreamsReader {
    static let mappingKeys = [
        "keys", "table", "when", "columns", "on_conflict", "key", "version", "earliest", "apply", "time_window",
        "variants",
    ]
    static let variantKeys = mappingKeys.filter { $0 != "keys" && $0 != "variants" }

    var problems: [SettingsProblem] = []

    mutating func read(_ node: ConfigNode) -> [StreamMapping] {
        if node.isNull { return [] }
        guard isMapping(node, "streams") else { return [] }
        return node.members.flatMap { read($0) }
    }

    /// One named mapping, or one per variant.
    private mutating func read(_ member: ConfigNode.Member) -> [StreamMapping] {
        let path = "streams.\(member.key)"
        guard isMapping(member.value, path) else { return [] }
        refuseUnknown(member.value, path, known: Self.mappingKeys)
        let keys = member.value["keys"].map { texts($0, "\(path).keys") } ?? []
        if keys.isEmpty {
            report(member.origin, path, "has no keys", fix: "name streams or patterns: keys: [\"trades-*\"]")
        }
        guard let variants = member.value["variants"], !variants.isNull else {
            return [mapping(member, path, keys: keys)].compactMap(\.self)
        }
        return readVariants(variants, of: member, path, keys: keys)
    }

    private mutating func readVariants(
        _ variants: ConfigNode, of base: ConfigNode.Member, _ path: String, keys: [String]
    ) -> [StreamMapping] {
        guard isMapping(variants, "\(path).variants") else { return [] }
        return variants.members.compactMap { variant in
            let inner = "\(path).variants.\(variant.key)"
            guard isMapping(variant.value, inner) else { return nil }
            refuseUnknown(variant.value, inner, known: Self.variantKeys)
            let merged = ConfigNode.Member(
                key: "\(base.key).\(variant.key)", origin: variant.origin,
                value: merge(base.value, with: variant.value))
            return mapping(merged, inner, keys: keys)
        }
    }

    /// A variant's keys replace those of its mapping; columns are merged one by one.
    private func merge(_ base: ConfigNode, with variant: ConfigNode) -> ConfigNode {
        var result = base
        for member in variant.members where member.key != "columns" {
            result = result.setting([member.key], to: member.value)
        }
        for column in variant["columns"]?.members ?? [] {
            result = result.setting(["columns", column.key], to: column.value)
        }
        return result
    }

    private mutating func mapping(_ member: ConfigNode.Member, _ path: String, keys: [String]) -> StreamMapping? {
        let node = member.value
        let before = problems.count
        let table = node["table"].flatMap { text($0, "\(path).table") }
        if node["table"] == nil { report(member.origin, path, "has no table", fix: "table: market_data_trades") }
        let columns = readColumns(node["columns"], path, at: member.origin)
        var mapping = StreamMapping(name: member.key, keys: keys, table: table ?? "", columns: columns)
        mapping.condition = node["when"].flatMap { condition($0, "\(path).when") }
        mapping.onConflict = node["on_conflict"].flatMap { choice($0, "\(path).on_conflict") } ?? .error
        mapping.key = columnNames(node["key"], "\(path).key", of: columns)
        mapping.version = columnNames(node["version"], "\(path).version", of: columns)
        mapping.earliest = columnNames(node["earliest"], "\(path).earliest", of: columns)
        mapping.apply = node["apply"].flatMap { text($0, "\(path).apply") }
        mapping.timeWindow = timeWindow(node["time_window"], "\(path).time_window", of: columns)
        check(mapping, path, at: member.origin)
        return problems.count == before ? mapping : nil
    }

    private mutating func check(_ mapping: StreamMapping, _ path: String, at origin: Origin) {
        if mapping.onConflict != .error, mapping.key.isEmpty {
            let message = "on_conflict: \(mapping.onConflict.rawValue) needs the columns of the unique key"
            report(origin, "\(path).key", message, fix: "key: [exchange, symbol, time, trade_id]")
        }
        if mapping.onConflict == .update, mapping.version.isEmpty {
            let message = "on_conflict: update needs the columns that tell which row is later"
            report(origin, "\(path).version", message, fix: "version: [updated_at, entry_id]")
        }
        if mapping.onConflict != .update, mapping.apply != nil || !mapping.earliest.isEmpty {
            let name = mapping.apply == nil ? "earliest" : "apply"
            report(origin, "\(path).\(name)", "is for on_conflict: update", fix: "on_conflict: update")
        }
        if mapping.apply != nil, !mapping.earliest.isEmpty {
            report(origin, "\(path).earliest", "with apply, the function decides what is kept", fix: "leave it out")
        }
    }

    private mutating func readColumns(_ node: ConfigNode?, _ path: String, at origin: Origin) -> [ColumnMapping] {
        guard let node, !node.isNull else {
            report(origin, "\(path).columns", "no columns are mapped", fix: "columns: { price: price }")
            return []
        }
        guard isMapping(node, "\(path).columns") else { return [] }
        return node.members.compactMap { member in
            var reader = ColumnReader(path: "\(path).columns.\(member.key)", origin: member.origin)
            let column = reader.read(member.key, member.value)
            problems += reader.problems
            return column
        }
    }

    /// `{present: book}` or `{field: kind, equals: delta}`.
    private mutating func condition(_ node: ConfigNode, _ path: String) -> StreamMapping.Condition? {
        guard isMapping(node, path) else { return nil }
        refuseUnknown(node, path, known: ["present", "field", "equals"])
        if let field = node["present"]?.scalar { return .present(field) }
        if let field = node["field"]?.scalar, let value = node["equals"]?.scalar {
            return .equals(field: field, value: value)
        }
        report(node.origin, path, "is no condition", fix: "{present: book} or {field: kind, equals: delta}")
        return nil
    }

    private mutating func columnNames(_ node: ConfigNode?, _ path: String, of columns: [ColumnMapping]) -> [String] {
        guard let node, !node.isNull else { return [] }
        let names = texts(node, path)
        for name in names where !columns.contains(where: { $0.column == name }) {
            let nearest = NearestName.find(name, among: columns.map(\.column))
            report(
                node.origin, path, "the column \"\(name)\" is not mapped",
                fix: nearest.map { "did you mean \"\($0)\"?" })
        }
        return names
    }
}
