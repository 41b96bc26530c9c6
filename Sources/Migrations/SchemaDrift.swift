public import PostgresWire

/// Compares a database with what the shipped migrations make: columns, types, defaults, constraints, indexes, views,
/// functions. What somebody added is theirs and not looked at.
///
/// The expectation is `sql/catalog.txt`, made from a database that the migrations made and compiled in; it is the same
/// on every tier. A test compares, and writes it anew with `MILLRACE_WRITE_CATALOG=1`.
public struct SchemaDrift: Sendable {
    /// One line for people each, such as `index public.idx_orders_created_at is missing`.
    public let differences: [String]

    /// Reads the catalog; changes nothing.
    public init(_ connection: PostgresConnection) throws(PostgresError) {
        self.init(found: try Self.catalog(of: connection), expected: Self.expected)
    }

    init(found: [String], expected: [String]) {
        let there = Self.byName(found)
        differences = Self.byName(expected).sorted { $0.key < $1.key }.compactMap { name, definition in
            guard let actual = there[name] else { return "\(name) is missing" }
            return actual == definition ? nil : "\(name) is not as made: \(actual), should be \(definition)"
        }
    }

    static let expected: [String] = String(decoding: PackageResources.catalog_txt, as: UTF8.self)
        .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }

    /// A line is `kind name<TAB>definition`.
    private static func byName(_ lines: [String]) -> [String: String] {
        var result: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            result[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        return result
    }

    /// The lines of a database, sorted.
    static func catalog(of connection: PostgresConnection) throws(PostgresError) -> [String] {
        let deadline = PostgresConnection.Deadline.now + .seconds(60)
        // With an empty path every name in a definition has its schema.
        try connection.execute("BEGIN READ ONLY; SET LOCAL search_path = pg_catalog", deadline: deadline)
        let rows = try connection.query(query, deadline: deadline)
        try connection.execute("ROLLBACK", deadline: deadline)
        var lines: [String] = []
        for row in rows { lines.append(try row.requiredText("line")) }
        return lines.sorted()
    }

    /// Hypertables and partitioned tables differ in the words ONLY and in the kind of relation; both are left out.
    private static let query = """
        WITH relation AS (
          SELECT c.oid, format('%s.%s', n.nspname, c.relname) AS name, c.relkind
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname IN ('public', 'ingest') AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'migration_progress'
             AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'))
        SELECT format(E'column %s.%s\\t%s', r.name, a.attname,
                 concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
                   CASE WHEN a.attidentity <> '' THEN 'identity' END, 'default ' || pg_get_expr(d.adbin, d.adrelid))) AS line
          FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        UNION ALL
        SELECT format(E'%s %s\\t', CASE r.relkind WHEN 'v' THEN 'view' ELSE 'table' END, r.name) FROM relation r
        UNION ALL
        SELECT format(E'constraint %s.%s\\t%s', r.name, k.conname, pg_get_constraintdef(k.oid))
          FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid WHERE k.contype IN ('c', 'u', 'p', 'x', 'f')
        UNION ALL
        SELECT format(E'index %s on %s\\t%s', i.relname, r.name,
                 replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON ') || CASE WHEN x.indisvalid THEN '' ELSE ' (invalid)' END)
          FROM relation r JOIN pg_index x ON x.indrelid = r.oid JOIN pg_class i ON i.oid = x.indexrelid
        UNION ALL
        SELECT format(E'function %s.%s(%s)\\t%s', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid),
                 concat_ws(' ', md5(p.prosrc), CASE WHEN p.prosecdef THEN 'security definer' END))
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = 'ingest' AND p.prokind = 'f'
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype IN ('e', 'i'))
        """
}
