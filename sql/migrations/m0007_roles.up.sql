-- Three roles without login: millrace_owner has the schema and maintains it, millrace_writer is what a worker may,
-- millrace_reader is what a person who asks questions may. Grant them to users of your own. docs: DECISIONS 23.
--
-- Migrations behind this one begin with SET LOCAL ROLE millrace_owner, and grant what the writer needs; reading is
-- granted by default.

DO $$
DECLARE wanted name;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['millrace_owner', 'millrace_writer', 'millrace_reader']::name[] LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;   -- roles are the cluster's: another database was faster
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'role % is missing, and % may not create it', wanted, current_user
          USING ERRCODE = 'insufficient_privilege', HINT = 'have a superuser run: CREATE ROLE millrace_owner NOLOGIN; '
            'CREATE ROLE millrace_writer NOLOGIN; CREATE ROLE millrace_reader NOLOGIN; GRANT millrace_owner TO ' || quote_ident(current_user);
    END;
  END LOOP;
  IF NOT pg_has_role(current_user, 'millrace_owner', 'USAGE') THEN
    BEGIN
      EXECUTE format('GRANT millrace_owner TO %I', current_user);
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE EXCEPTION '% is no member of millrace_owner', current_user
        USING ERRCODE = 'insufficient_privilege', HINT = 'have a superuser run: GRANT millrace_owner TO ' || quote_ident(current_user);
    END;
  END IF;
END $$;

-- Partitions and chunks are made by functions that run as the owner.
DO $$
BEGIN
  EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO millrace_owner, millrace_writer', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO millrace_reader', current_database());
END $$;
GRANT USAGE, CREATE ON SCHEMA public, ingest, ingest_partitions TO millrace_owner;

DO $$
DECLARE
  commands text[];
  command  text;
BEGIN
  -- Listed first: a table that is being read cannot be altered.
  SELECT array_agg(format('ALTER %s %s OWNER TO millrace_owner', item.kind, item.name)) INTO commands FROM (
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind, format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE (n.nspname IN ('ingest', 'ingest_partitions')
            OR n.nspname = 'public' AND c.relname = ANY (ARRAY['market_data_ohlcv', 'market_data_ticker',
               'market_data_orderbook', 'market_data_trades', 'current_positions', 'position_history', 'orders',
               'system_config', 'exchange_config', 'latest_ticker', 'market_data_spread']
               || (SELECT array_agg(r.view_name) FROM ingest.rollup r)))
       AND c.relkind IN ('r', 'p', 'v')
    UNION ALL
    SELECT 'FUNCTION', p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = 'ingest' AND p.prokind = 'f'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype IN ('e', 'i'))) item;
  FOREACH command IN ARRAY commands LOOP
    EXECUTE command;
  END LOOP;
END $$;
ALTER TYPE ingest.sidrange OWNER TO millrace_owner;

-- What a worker does: see Sources/PostgresCopy. COPY wants INSERT; ON CONFLICT wants to see the key.
GRANT USAGE ON SCHEMA public, ingest TO millrace_writer, millrace_reader;
GRANT INSERT, SELECT (exchange, symbol, time, trade_id) ON public.market_data_trades TO millrace_writer;
GRANT INSERT, SELECT (exchange, symbol, time) ON public.market_data_ticker, public.market_data_orderbook TO millrace_writer;
GRANT SELECT, INSERT, UPDATE ON public.market_data_ohlcv, public.orders, public.current_positions TO millrace_writer;
GRANT DELETE ON public.current_positions TO millrace_writer;
GRANT SELECT, INSERT, UPDATE ON public.position_history, ingest.position_key TO millrace_writer;
GRANT SELECT, INSERT ON ingest.position_event TO millrace_writer;
GRANT SELECT ON public.system_config, public.exchange_config TO millrace_writer;
GRANT SELECT ON ingest.migration, ingest.lifecycle, ingest.chunk_write, ingest.maintenance, ingest.rollup,
  ingest.status, ingest.dead_letter_groups TO millrace_writer;
GRANT SELECT, INSERT, UPDATE (closed_at, max_id, entries_added, replication_id) ON ingest.source TO millrace_writer;
GRANT SELECT, INSERT, DELETE ON ingest.ledger TO millrace_writer;
GRANT SELECT, INSERT, UPDATE (cause, reason, mapping, table_name, column_name, field, sqlstate, constraint_name, detail,
  fingerprint, batch, attempts, attempt_log, state, next_retry, mirrored, edited_payload, edited_by, edited_at, edits,
  first_reason, closed_at, closed_by, stored_by) ON ingest.dead_letter TO millrace_writer;
GRANT SELECT, INSERT ON ingest.dead_letter_part TO millrace_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest.suspect TO millrace_writer;
GRANT SELECT, INSERT, DELETE ON ingest.batch, ingest.batch_range TO millrace_writer;
GRANT SELECT, INSERT, UPDATE ON ingest.destination TO millrace_writer;

-- Reading: everything but the secrets and the letters' payloads, which are the records of others.
GRANT SELECT ON ALL TABLES IN SCHEMA ingest TO millrace_reader;
REVOKE SELECT ON ingest.dead_letter, ingest.dead_letter_part FROM millrace_reader;
GRANT SELECT (source_no, id, stream, payload_bytes, parts, by_reference, cause, reason, mapping, table_name, column_name,
  field, sqlstate, constraint_name, fingerprint, batch, attempts, state, next_retry, mirrored, created_at, closed_at,
  first_reason, edits, edited_at, closed_by, stored_by)
  ON ingest.dead_letter TO millrace_reader;
GRANT SELECT ON public.market_data_ohlcv, public.market_data_ticker, public.market_data_orderbook,
  public.market_data_trades, public.current_positions, public.position_history, public.orders, public.system_config,
  public.latest_ticker, public.market_data_spread TO millrace_reader;
GRANT SELECT (id, exchange_name, sandbox, rate_limit, enabled, created_at, updated_at)
  ON public.exchange_config TO millrace_reader;
DO $$
DECLARE item text;
BEGIN
  FOR item IN SELECT r.view_name FROM ingest.rollup r LOOP
    EXECUTE format('GRANT SELECT ON public.%I TO millrace_reader', item);
  END LOOP;
END $$;

-- What makes and drops chunks is the worker's and the owner's.
REVOKE ALL ON FUNCTION ingest.make_partition(regclass, timestamptz), ingest.make_chunks(regclass, timestamptz[], interval),
  ingest.observe_chunks(regclass), ingest.drop_range(regclass, timestamptz, timestamptz),
  ingest.compress_range(regclass, timestamptz, timestamptz), ingest.move_range(regclass, timestamptz, timestamptz),
  ingest.apply_lifecycle(regclass), ingest.claim_maintenance(text, interval),
  ingest.prune_position_events(interval) FROM PUBLIC;
-- It deletes what no worker may delete.
ALTER FUNCTION ingest.prune_position_events(interval) SECURITY DEFINER;
GRANT EXECUTE ON FUNCTION ingest.make_chunks(regclass, timestamptz[], interval),
  ingest.observe_chunks(regclass), ingest.drop_range(regclass, timestamptz, timestamptz),
  ingest.compress_range(regclass, timestamptz, timestamptz), ingest.move_range(regclass, timestamptz, timestamptz),
  ingest.apply_lifecycle(regclass), ingest.claim_maintenance(text, interval),
  ingest.prune_position_events(interval) TO millrace_writer;

-- Tables of later migrations.
ALTER DEFAULT PRIVILEGES FOR ROLE millrace_owner IN SCHEMA ingest GRANT SELECT ON TABLES TO millrace_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE millrace_owner IN SCHEMA public GRANT SELECT ON TABLES TO millrace_reader;
