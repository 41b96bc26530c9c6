import PostgresWire

/// The schema as a page: what the database knows about itself, and nothing that differs between tiers.
struct SchemaPage {
    struct Relation {
        var name: String
        var isView: Bool
        var comment: String
        var columns: [Column] = []
        var keys: [String] = []
        var indexes: [(name: String, definition: String, why: String)] = []
    }

    struct Column {
        var name: String
        var type: String
        var isNotNull: Bool
        var value: String
        var comment: String
    }

    let relations: [Relation]

    init(_ connection: PostgresConnection) throws(PostgresError) {
        let deadline = PostgresConnection.Deadline.now + .seconds(60)
        try connection.execute("BEGIN READ ONLY; SET LOCAL search_path = pg_catalog", deadline: deadline)
        var found: [Relation] = []
        for row in try connection.query(Self.relationQuery, deadline: deadline) {
            found.append(
                Relation(
                    name: try row.requiredText("name"), isView: try row.isTrue("is_view"),
                    comment: try row.text("comment") ?? ""))
        }
        var places: [String: Int] = [:]
        for (index, relation) in found.enumerated() { places[relation.name] = index }
        for row in try connection.query(Self.columnQuery, deadline: deadline) {
            guard let place = places[try row.requiredText("relation")] else { continue }
            found[place].columns.append(
                Column(
                    name: try row.requiredText("name"), type: try row.requiredText("type"),
                    isNotNull: try row.isTrue("not_null"), value: try row.text("value") ?? "",
                    comment: try row.text("comment") ?? ""))
        }
        for row in try connection.query(Self.keyQuery, deadline: deadline) {
            guard let place = places[try row.requiredText("relation")] else { continue }
            found[place].keys.append("`\(try row.requiredText("name"))`: \(try row.requiredText("definition"))")
        }
        for row in try connection.query(Self.indexQuery, deadline: deadline) {
            guard let place = places[try row.requiredText("relation")] else { continue }
            found[place].indexes.append(
                (try row.requiredText("name"), try row.requiredText("definition"), try row.text("why") ?? ""))
        }
        try connection.execute("ROLLBACK", deadline: deadline)
        relations = found
    }

    private static let own = """
        n.nspname IN ('public', 'ingest') AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'migration_progress'
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        """

    private static let relationQuery = """
        SELECT format('%s.%s', n.nspname, c.relname) AS name, c.relkind = 'v' AS is_view,
               obj_description(c.oid, 'pg_class') AS comment
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE \(own)
         ORDER BY n.nspname DESC, c.relkind = 'v', c.relname COLLATE "C"
        """

    private static let columnQuery = """
        SELECT format('%s.%s', n.nspname, c.relname) AS relation, a.attname AS name,
               format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
               CASE WHEN a.attidentity <> '' THEN 'identity' ELSE pg_get_expr(d.adbin, d.adrelid) END AS value,
               col_description(c.oid, a.attnum) AS comment
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE \(own) ORDER BY a.attnum
        """

    private static let keyQuery = """
        SELECT format('%s.%s', n.nspname, c.relname) AS relation, k.conname AS name,
               pg_get_constraintdef(k.oid) AS definition
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_constraint k ON k.conrelid = c.oid
         WHERE \(own) AND k.contype IN ('c', 'u', 'p', 'x', 'f') ORDER BY k.contype DESC, k.conname COLLATE "C"
        """

    private static let indexQuery = """
        SELECT format('%s.%s', n.nspname, c.relname) AS relation, i.relname AS name,
               regexp_replace(replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON '), '^CREATE (UNIQUE )?INDEX .* USING ', '\\1')
                 AS definition, obj_description(i.oid, 'pg_class') AS why
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index x ON x.indrelid = c.oid
          JOIN pg_class i ON i.oid = x.indexrelid
         WHERE \(own) ORDER BY i.relname COLLATE "C"
        """
}
