-- The roles stay, because other databases of the cluster may use them; in this one they lose their rights. Whoever
-- takes the schema back has it again.
ALTER DEFAULT PRIVILEGES FOR ROLE millrace_owner IN SCHEMA ingest REVOKE SELECT ON TABLES FROM millrace_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE millrace_owner IN SCHEMA public REVOKE SELECT ON TABLES FROM millrace_reader;
REVOKE ALL ON ALL TABLES IN SCHEMA ingest FROM millrace_writer, millrace_reader;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ingest FROM millrace_writer;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ingest TO PUBLIC;
REVOKE ALL ON SCHEMA public, ingest FROM millrace_writer, millrace_reader;
DO $$
DECLARE
  commands text[];
  command  text;
BEGIN
  SELECT array_agg(
           CASE WHEN item.kind = 'FUNCTION' THEN '' ELSE format('REVOKE ALL ON %s FROM millrace_writer, millrace_reader; ', item.name) END
           || format('ALTER %s %s OWNER TO CURRENT_USER', item.kind, item.name)) INTO commands FROM (
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind, format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('public', 'ingest', 'ingest_partitions') AND c.relkind IN ('r', 'p', 'v')
       AND pg_get_userbyid(c.relowner) = 'millrace_owner'
    UNION ALL
    SELECT 'FUNCTION', p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = 'ingest' AND p.prokind = 'f' AND pg_get_userbyid(p.proowner) = 'millrace_owner'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype IN ('e', 'i'))) item;
  FOREACH command IN ARRAY coalesce(commands, '{}') LOOP
    EXECUTE command;
  END LOOP;
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM millrace_writer, millrace_reader, millrace_owner', current_database());
END $$;
ALTER TYPE ingest.sidrange OWNER TO CURRENT_USER;
REVOKE ALL ON SCHEMA public, ingest, ingest_partitions FROM millrace_owner;
