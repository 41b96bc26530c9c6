extension Catalog {
    /// By name, and schema or search path. Needs no right on the schema, so that a missing right can be named.
    static let tableQuery = """
        SELECT c.oid, n.nspname AS schema, c.relkind AS kind, c.relpersistence = 'p' AS is_permanent,
               row_security_active(c.oid) AS has_row_security, c.relhasrules AS has_rules,
               has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'INSERT') AS may_insert,
               has_table_privilege(c.oid, 'UPDATE') AS may_update,
               (SELECT md5(string_agg(a.attname || ' ' || a.atttypid || ' ' || a.atttypmod, ',' ORDER BY a.attnum))
                  FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS shape
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND CASE WHEN $2::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $2 END
        """

    /// A domain stands for its base type; a domain over a domain is followed to the end.
    static let columnQuery = """
        WITH RECURSIVE base AS (
          SELECT a.attnum, a.atttypid AS type, a.atttypmod AS typmod, false AS is_not_null
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
          UNION ALL
          SELECT b.attnum, t.typbasetype, CASE WHEN b.typmod = -1 THEN t.typtypmod ELSE b.typmod END, t.typnotnull
            FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
        SELECT a.attname AS name, t.typname AS type, b.typmod, CASE WHEN t.typcategory = 'A' THEN t.typelem END AS element,
               pg_catalog.format_type(a.atttypid, a.atttypmod) AS declared,
               a.attnotnull OR EXISTS (SELECT 1 FROM base d WHERE d.attnum = a.attnum AND d.is_not_null) AS is_not_null,
               a.atthasdef OR a.attidentity <> '' AS has_default, a.attgenerated <> '' AS is_generated,
               (SELECT min((regexp_match(pg_catalog.pg_get_constraintdef(k.oid),
                         '^CHECK \\(\\((?:char_)?length\\([^()]+\\) <= ([0-9]{1,9})\\)\\)$'))[1]::int)
                  FROM pg_catalog.pg_constraint k
                 WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]) AS check_length
          FROM pg_catalog.pg_attribute a JOIN base b ON b.attnum = a.attnum JOIN pg_catalog.pg_type t ON t.oid = b.type
         WHERE a.attrelid = $1::oid AND t.typtype <> 'd' ORDER BY a.attnum
        """

    /// A function that takes rows of a table.
    static let functionQuery = """
        SELECT p.oid FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_type t ON t.oid = c.reltype
          JOIN pg_catalog.pg_proc p ON p.pronargs = 1 AND p.proargtypes[0] = t.typarray AND p.proname = $2
          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE c.oid = $1::oid AND p.prorettype = 'pg_catalog.int8'::regtype AND p.prokind = 'f' AND NOT p.proretset
           AND CASE WHEN $3::text IS NULL THEN pg_catalog.pg_function_is_visible(p.oid) ELSE n.nspname = $3 END
           AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
        """

    static let indexQuery = """
        SELECT i.relname AS index, a.attname AS column
          FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
          CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
         WHERE x.indrelid = $1::oid AND x.indisunique AND x.indisvalid AND x.indimmediate
           AND x.indpred IS NULL AND x.indexprs IS NULL AND k.place <= x.indnkeyatts
         ORDER BY i.relname, k.place
        """

    /// Of the table, of its partitions and of theirs. Bits of tgtype: 1 row, 2 before, 4 insert.
    static let triggerQuery = """
        WITH RECURSIVE tree AS (
          SELECT $1::oid AS relation
          UNION
          SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.relation)
        SELECT DISTINCT t.tgname AS name
          FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE t.tgrelid IN (SELECT relation FROM tree)
           AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND (t.tgtype & 7) = 7 AND n.nspname !~ '^_timescaledb_'
         ORDER BY 1
        """
}
