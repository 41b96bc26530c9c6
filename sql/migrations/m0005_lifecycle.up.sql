-- How long market data stays, and what looks after it: one row a table, and functions that act only on such tables and
-- check the limits themselves. The worker calls them; they belong to millrace_owner (see the migration of the roles).
-- docs: DECISIONS 21, 23, 25, docs/partitioning.md.

CREATE TABLE ingest.lifecycle (
  table_name        text        PRIMARY KEY,
  chunk_interval    interval    NOT NULL DEFAULT '1 day',
  hot_for           interval    NOT NULL DEFAULT '7 days',
  warm_for          interval    NOT NULL DEFAULT '30 days',
  compress_after    interval             DEFAULT '30 days',
  drop_after        interval             DEFAULT '1 year',
  drop_grace        interval    NOT NULL DEFAULT '7 days',
  chunks_ahead      int         NOT NULL DEFAULT 2,
  accept_from       timestamptz NOT NULL DEFAULT '2009-01-03 00:00:00+00',
  accept_ahead      interval    NOT NULL DEFAULT '1 day',
  symbol_partitions int         NOT NULL DEFAULT 1,
  warm_tablespace   name,
  cold_tablespace   name,
  segment_by        text        NOT NULL DEFAULT 'exchange, symbol',
  written_column    name        NOT NULL DEFAULT 'created_at',
  blank             jsonb       NOT NULL DEFAULT '{}',
  updated_at        timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT lifecycle_chunks CHECK (
    chunk_interval BETWEEN interval '1 hour' AND interval '31 days' AND chunks_ahead BETWEEN 0 AND 30
    AND symbol_partitions BETWEEN 1 AND 100),
  CONSTRAINT lifecycle_order CHECK (
    hot_for >= interval '0' AND hot_for <= warm_for AND drop_after > warm_for AND compress_after < drop_after
    AND compress_after >= hot_for AND drop_grace >= interval '0' AND accept_ahead >= interval '0')
);
COMMENT ON TABLE ingest.lifecycle IS
  'How long the data of a table stays and where: change it with `millrace db lifecycle set`, applied by maintenance';
COMMENT ON COLUMN ingest.lifecycle.table_name IS 'The table, with its schema';
COMMENT ON COLUMN ingest.lifecycle.chunk_interval IS 'Time that one chunk or partition covers; for chunks made from now on';
COMMENT ON COLUMN ingest.lifecycle.hot_for IS 'Chunks younger than this stay in the default tablespace';
COMMENT ON COLUMN ingest.lifecycle.warm_for IS
  'Chunks older than hot_for and younger than this belong in warm_tablespace, older ones in cold_tablespace';
COMMENT ON COLUMN ingest.lifecycle.compress_after IS 'Chunks older than this are compressed (Community edition); NULL: never';
COMMENT ON COLUMN ingest.lifecycle.drop_after IS 'Chunks older than this are dropped; NULL: never';
COMMENT ON COLUMN ingest.lifecycle.drop_grace IS 'No chunk is dropped or compressed so shortly after its last write';
COMMENT ON COLUMN ingest.lifecycle.chunks_ahead IS 'Chunks made before their time comes, so that no batch waits at midnight';
COMMENT ON COLUMN ingest.lifecycle.accept_from IS 'No partition is made for older rows (plain PostgreSQL): they become dead letters';
COMMENT ON COLUMN ingest.lifecycle.accept_ahead IS 'No partition is made for rows further in the future (plain PostgreSQL)';
COMMENT ON COLUMN ingest.lifecycle.symbol_partitions IS 'Chunks of one interval, by hash of the symbol (TimescaleDB)';
COMMENT ON COLUMN ingest.lifecycle.warm_tablespace IS 'Where warm chunks are moved to; NULL: they stay';
COMMENT ON COLUMN ingest.lifecycle.cold_tablespace IS 'Where cold chunks are moved to; NULL: they stay';
COMMENT ON COLUMN ingest.lifecycle.segment_by IS 'Columns whose values are kept together when a chunk is compressed';
COMMENT ON COLUMN ingest.lifecycle.written_column IS 'The column that has the time at which a row was written';
COMMENT ON COLUMN ingest.lifecycle.blank IS 'A row that passes the table''s checks: written and taken back to make a chunk ahead of time';
COMMENT ON COLUMN ingest.lifecycle.updated_at IS 'When this row was changed last';

INSERT INTO ingest.lifecycle (table_name, symbol_partitions, written_column, blank) VALUES
  ('public.market_data_ohlcv', 10, 'created_at',
   '{"exchange": "", "timeframe": "", "open": 0, "high": 0, "low": 0, "close": 0, "volume": 0,
     "created_at": "epoch", "updated_at": "epoch"}'),
  ('public.market_data_ticker', 1, 'last_updated', '{"exchange": "", "last_price": 0, "last_updated": "epoch"}'),
  ('public.market_data_orderbook', 1, 'created_at',
   '{"exchange": "", "kind": "delta", "bids": [], "asks": [], "created_at": "epoch"}'),
  ('public.market_data_trades', 1, 'created_at',
   '{"exchange": "", "price": 0, "amount": 0, "side": "", "created_at": "epoch"}');

-- The server counts a chunk's writes; the last time the count was seen to move is the last write.
CREATE TABLE ingest.chunk_write (
  chunk      text        PRIMARY KEY,
  table_name text        NOT NULL REFERENCES ingest.lifecycle ON DELETE CASCADE,
  writes     bigint      NOT NULL,
  last_write timestamptz NOT NULL
);
CREATE INDEX chunk_write_table ON ingest.chunk_write (table_name);
COMMENT ON TABLE ingest.chunk_write IS 'When each chunk was last seen to be written: a chunk is kept for drop_grace after it';
COMMENT ON COLUMN ingest.chunk_write.chunk IS 'The chunk or partition, with its schema';
COMMENT ON COLUMN ingest.chunk_write.table_name IS 'The table it belongs to';
COMMENT ON COLUMN ingest.chunk_write.writes IS 'Rows inserted, updated and deleted in it, as the server''s statistics count';
COMMENT ON COLUMN ingest.chunk_write.last_write IS 'When that count was last seen to differ; the first look counts as a write';

CREATE TABLE ingest.maintenance (
  only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
  started_at timestamptz NOT NULL DEFAULT '-infinity',
  started_by text
);
INSERT INTO ingest.maintenance DEFAULT VALUES;
COMMENT ON TABLE ingest.maintenance IS 'Who began maintenance last: of many workers one a period does it';
COMMENT ON COLUMN ingest.maintenance.only_row IS 'There is one row';
COMMENT ON COLUMN ingest.maintenance.started_at IS 'When the last run began';
COMMENT ON COLUMN ingest.maintenance.started_by IS 'The worker that began it';

CREATE FUNCTION ingest.timescale_schema() RETURNS name
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb'
$$;
COMMENT ON FUNCTION ingest.timescale_schema() IS 'Where the functions of TimescaleDB are; NULL without it';

CREATE FUNCTION ingest.tier() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT CASE
    WHEN ingest.timescale_schema() IS NULL THEN 'plain'
    WHEN current_setting('timescaledb.license', true) = 'timescale'
     AND EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                  WHERE n.nspname = ingest.timescale_schema()
                    AND p.proname IN ('compress_chunk', 'convert_to_columnstore')) THEN 'community'
    ELSE 'apache' END
$$;
COMMENT ON FUNCTION ingest.tier() IS
  'What the database offers: plain (PostgreSQL), apache (hypertables) or community (also compression, aggregates kept up to date)';

CREATE FUNCTION ingest.lifecycle_of(target regclass) RETURNS ingest.lifecycle
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE found_row ingest.lifecycle;
BEGIN
  SELECT l.* INTO found_row FROM ingest.lifecycle l WHERE to_regclass(l.table_name) = target;
  IF found_row IS NULL THEN
    RAISE EXCEPTION 'table % has no row in ingest.lifecycle', target USING ERRCODE = 'SL003';
  END IF;
  RETURN found_row;
END $$;
COMMENT ON FUNCTION ingest.lifecycle_of(regclass) IS 'The row of a table; SL003 when it has none';

CREATE FUNCTION ingest.chunks(target regclass)
RETURNS TABLE (chunk text, range_start timestamptz, range_end timestamptz, is_compressed boolean, tablespace name,
               writes bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET timezone = 'UTC' AS $$
DECLARE listing text;
BEGIN
  IF (SELECT c.relkind FROM pg_class c WHERE c.oid = target) = 'p' THEN
    listing := $list$
      SELECT i.inhrelid AS id, b.m[1]::timestamptz AS from_time, b.m[2]::timestamptz AS to_time, false AS packed
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL (
          SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \(''(.*)''\) TO \(''(.*)''\)$') AS m
            OFFSET 0) b
       WHERE i.inhparent = $1 AND b.m IS NOT NULL $list$;
  ELSIF ingest.timescale_schema() IS NOT NULL THEN
    listing := $list$
      SELECT format('%I.%I', k.chunk_schema, k.chunk_name)::regclass::oid AS id, k.range_start AS from_time,
             k.range_end AS to_time, k.is_compressed AS packed
        FROM timescaledb_information.chunks k JOIN pg_class c ON c.relname = k.hypertable_name
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = k.hypertable_schema
       WHERE c.oid = $1 $list$;
  ELSE
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format($list$
    SELECT format('%%I.%%I', n.nspname, c.relname), k.from_time, k.to_time, k.packed, s.spcname,
           pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid)
      FROM (%s) k JOIN pg_class c ON c.oid = k.id JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
     ORDER BY k.from_time, c.relname $list$, listing) USING target;
END $$;
COMMENT ON FUNCTION ingest.chunks(regclass) IS 'The chunks of a hypertable, or the partitions of a table, oldest first';

CREATE FUNCTION ingest.observe_chunks(target regclass) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '2s' AS $$
DECLARE
  life ingest.lifecycle := ingest.lifecycle_of(target);
  seen int;
BEGIN
  INSERT INTO ingest.chunk_write AS w (chunk, table_name, writes, last_write)
  SELECT k.chunk, life.table_name, k.writes, now() FROM ingest.chunks(target) k ORDER BY k.chunk
  ON CONFLICT (chunk) DO UPDATE SET writes = excluded.writes, last_write = excluded.last_write
   WHERE w.writes <> excluded.writes;
  GET DIAGNOSTICS seen = ROW_COUNT;
  DELETE FROM ingest.chunk_write w
   WHERE w.table_name = life.table_name AND NOT EXISTS (SELECT FROM ingest.chunks(target) k WHERE k.chunk = w.chunk);
  RETURN seen;
END $$;
COMMENT ON FUNCTION ingest.observe_chunks(regclass) IS 'Notes which chunks were written since the last look; tells how many';

-- A partition beside the others: a change of chunk_interval leaves no gap and no overlap.
CREATE FUNCTION ingest.make_partition(target regclass, at timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
  life  ingest.lifecycle := ingest.lifecycle_of(target);
  width numeric := extract(epoch FROM life.chunk_interval);
  lo    timestamptz := to_timestamp((floor(extract(epoch FROM at)::numeric / width) * width)::double precision);
  hi    timestamptz := to_timestamp(((floor(extract(epoch FROM at)::numeric / width) + 1) * width)::double precision);
  name  text;
  taken boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('millrace partition'), target::oid::int);
  SELECT coalesce(bool_or(k.range_start <= at AND at < k.range_end), false),
         greatest(lo, max(k.range_end) FILTER (WHERE k.range_end <= at)),
         least(hi, min(k.range_start) FILTER (WHERE k.range_start > at))
    INTO taken, lo, hi FROM ingest.chunks(target) k;
  IF taken THEN
    RETURN false;
  END IF;
  SELECT c.relname || to_char(lo, CASE WHEN lo = date_trunc('day', lo) THEN '"_p"YYYYMMDD' ELSE '"_p"YYYYMMDD"_"HH24MISS' END)
    INTO name FROM pg_class c WHERE c.oid = target;
  -- Made beside the table and attached: that waits for nobody who writes, CREATE TABLE … PARTITION OF would.
  EXECUTE format('CREATE TABLE ingest_partitions.%I (LIKE %s INCLUDING ALL)', name, target);
  EXECUTE format('ALTER TABLE %s ATTACH PARTITION ingest_partitions.%I FOR VALUES FROM (%L) TO (%L)', target, name, lo, hi);
  RETURN true;
END $$;
COMMENT ON FUNCTION ingest.make_partition(regclass, timestamptz) IS
  'Makes the partition for a time, unless it is there; for ingest.make_chunks';

CREATE FUNCTION ingest.make_chunks(target regclass, times timestamptz[], span interval DEFAULT '0') RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
  life  ingest.lifecycle := ingest.lifecycle_of(target);
  at    timestamptz;
  ready int := 0;
  is_native boolean := (SELECT c.relkind = 'p' FROM pg_class c WHERE c.oid = target);
  covered   tstzrange[];
BEGIN
  IF cardinality(times) > 100 OR span > interval '1 day' THEN
    RAISE EXCEPTION 'at most 100 days at a time' USING ERRCODE = 'SL003';
  END IF;
  SELECT array_agg(k.range) INTO covered FROM (
    SELECT tstzrange(c.range_start, c.range_end) AS range FROM ingest.chunks(target) c
     GROUP BY c.range_start, c.range_end HAVING is_native OR count(*) >= life.symbol_partitions) k;
  FOR at IN SELECT DISTINCT g FROM unnest(times) AS u(t)
             CROSS JOIN LATERAL generate_series(t, t + greatest(span - interval '1 microsecond', interval '0'), life.chunk_interval) g
             ORDER BY g LOOP
    CONTINUE WHEN at < life.accept_from OR at >= now() + life.accept_ahead + life.chunk_interval * (life.chunks_ahead + 1);
    ready := ready + 1;
    CONTINUE WHEN EXISTS (SELECT FROM unnest(covered) r WHERE r @> at);
    IF is_native THEN
      PERFORM ingest.make_partition(target, at);
      CONTINUE;
    END IF;
    -- The Apache edition makes chunks only for rows: written and taken back before anybody can see them. So many
    -- symbols meet each of the hash partitions.
    EXECUTE format($sql$
      INSERT INTO %1$s SELECT r.* FROM generate_series(1, $1) AS s(i)
       CROSS JOIN LATERAL jsonb_populate_record(NULL::%1$s, $2 || jsonb_build_object('time', $3, 'symbol', 'millrace-' || s.i)) r
      $sql$, target) USING CASE WHEN life.symbol_partitions > 1 THEN 20 * life.symbol_partitions ELSE 1 END, life.blank, at;
    EXECUTE format('DELETE FROM %s WHERE time = $1 AND exchange = '''' AND symbol LIKE ''millrace-%%''', target) USING at;
  END LOOP;
  RETURN ready;
END $$;
COMMENT ON FUNCTION ingest.make_chunks(regclass, timestamptz[], interval) IS
  'Makes the chunks or partitions that rows of these times, and of the span behind each, need; tells for how many it may';

-- The limits of a table on a tier, checked again by whoever acts: what a caller believes does not count.
CREATE FUNCTION ingest.may_touch(target regclass, from_time timestamptz, to_time timestamptz, age interval) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT coalesce(to_time <= now() - age, false)
     AND coalesce(bool_and(coalesce(w.writes = k.writes AND w.last_write <= now() - l.drop_grace, false)), false)
    FROM (SELECT (ingest.lifecycle_of(target)).drop_grace OFFSET 0) l
   CROSS JOIN ingest.chunks(target) k LEFT JOIN ingest.chunk_write w ON w.chunk = k.chunk
   WHERE k.range_start = from_time AND k.range_end = to_time
$$;
COMMENT ON FUNCTION ingest.may_touch(regclass, timestamptz, timestamptz, interval) IS
  'Whether every chunk of a range is that old, and was not written for drop_grace';

CREATE FUNCTION ingest.drop_range(target regclass, from_time timestamptz, to_time timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' SET lock_timeout = '1s' AS $$
DECLARE
  life    ingest.lifecycle := ingest.lifecycle_of(target);
  names   text[];
  one     text;
  is_late boolean;
BEGIN
  SELECT array_agg(k.chunk) INTO names FROM ingest.chunks(target) k WHERE k.range_start = from_time AND k.range_end = to_time;
  IF names IS NULL OR NOT ingest.may_touch(target, from_time, to_time, life.drop_after) THEN
    RETURN 0;
  END IF;
  -- Statistics lag by seconds: with the chunk locked, the rows themselves are asked.
  FOREACH one IN ARRAY names LOOP
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', one);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I > now() - $1)', one, life.written_column)
       INTO is_late USING life.drop_grace;
    IF is_late THEN
      RETURN 0;
    END IF;
  END LOOP;
  IF (SELECT c.relkind FROM pg_class c WHERE c.oid = target) = 'p' THEN
    FOREACH one IN ARRAY names LOOP
      EXECUTE format('DROP TABLE %s', one);
    END LOOP;
  ELSE
    EXECUTE format('SELECT count(*) FROM %I.drop_chunks($1, older_than => $3, newer_than => $2)', ingest.timescale_schema())
      USING target, from_time, to_time;
  END IF;
  DELETE FROM ingest.chunk_write w WHERE w.chunk = ANY (names);
  RETURN cardinality(names);
END $$;
COMMENT ON FUNCTION ingest.drop_range(regclass, timestamptz, timestamptz) IS
  'Drops the chunks of a range when it is older than drop_after and was not written for drop_grace; tells how many';

CREATE FUNCTION ingest.compress_range(target regclass, from_time timestamptz, to_time timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' SET lock_timeout = '1s' AS $$
DECLARE
  life ingest.lifecycle := ingest.lifecycle_of(target);
  one  text;
  done int := 0;
BEGIN
  IF ingest.tier() <> 'community' OR NOT ingest.may_touch(target, from_time, to_time, life.compress_after) THEN
    RETURN 0;
  END IF;
  FOR one IN SELECT k.chunk FROM ingest.chunks(target) k
              WHERE k.range_start = from_time AND k.range_end = to_time AND NOT k.is_compressed LOOP
    EXECUTE ingest.compress_sql(one);
    done := done + 1;
  END LOOP;
  RETURN done;
END $$;
COMMENT ON FUNCTION ingest.compress_range(regclass, timestamptz, timestamptz) IS
  'Compresses the chunks of a range when it is older than compress_after and was not written for drop_grace (Community)';

CREATE FUNCTION ingest.compress_sql(chunk text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT CASE WHEN EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                            WHERE n.nspname = ingest.timescale_schema() AND p.proname = 'compress_chunk')
    THEN format('SELECT %I.compress_chunk(%L, if_not_compressed => true)', coalesce(ingest.timescale_schema(), 'public'), chunk)
    ELSE format('CALL %I.convert_to_columnstore(%L, if_not_columnstore => true)', coalesce(ingest.timescale_schema(), 'public'), chunk) END
$$;
COMMENT ON FUNCTION ingest.compress_sql(text) IS 'The statement that compresses a chunk, by the name this version has for it';

CREATE FUNCTION ingest.move_range(target regclass, from_time timestamptz, to_time timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' SET lock_timeout = '1s' AS $$
DECLARE
  life ingest.lifecycle := ingest.lifecycle_of(target);
  goal name := CASE WHEN to_time > now() - life.hot_for THEN NULL
                    WHEN to_time > now() - life.warm_for THEN life.warm_tablespace
                    ELSE coalesce(life.cold_tablespace, life.warm_tablespace) END;
  one  text;
  item regclass;
  done int := 0;
BEGIN
  IF goal IS NULL THEN
    RETURN 0;
  END IF;
  FOR one IN SELECT k.chunk FROM ingest.chunks(target) k
              WHERE k.range_start = from_time AND k.range_end = to_time AND k.tablespace IS DISTINCT FROM goal LOOP
    EXECUTE format('ALTER TABLE %s SET TABLESPACE %I', one, goal);
    FOR item IN SELECT x.indexrelid FROM pg_index x WHERE x.indrelid = one::regclass LOOP
      EXECUTE format('ALTER INDEX %s SET TABLESPACE %I', item, goal);
    END LOOP;
    done := done + 1;
  END LOOP;
  RETURN done;
END $$;
COMMENT ON FUNCTION ingest.move_range(regclass, timestamptz, timestamptz) IS
  'Moves the chunks of a range to the tablespace of their age, where one is named; tells how many';

CREATE FUNCTION ingest.lifecycle_statements(target regclass, tier text DEFAULT ingest.tier()) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET timezone = 'UTC' AS $$
DECLARE
  life       ingest.lifecycle := ingest.lifecycle_of(target);
  home       name := ingest.timescale_schema();
  width      interval;
  partitions int;
  packs      boolean;
  result     text[] := '{}';
BEGIN
  IF tier = 'plain' OR home IS NULL OR (SELECT c.relkind FROM pg_class c WHERE c.oid = target) = 'p' THEN
    RETURN result;                                  -- partitions are made as wide as the row says; there is no hash
  END IF;
  EXECUTE $sql$
    SELECT max(d.time_interval), max(d.num_partitions) FROM timescaledb_information.dimensions d
     WHERE format('%I.%I', d.hypertable_schema, d.hypertable_name)::regclass = $1 $sql$ INTO width, partitions USING target;
  IF width IS NULL THEN
    RETURN result;
  END IF;
  IF width <> life.chunk_interval THEN
    result := result || format('SELECT %I.set_chunk_time_interval(%L::regclass, %L::interval)', home, target, life.chunk_interval);
  END IF;
  IF coalesce(partitions, 1) <> life.symbol_partitions THEN
    result := result || CASE WHEN partitions IS NULL
      THEN format('SELECT %I.add_dimension(%L::regclass, ''symbol'', number_partitions => %s)', home, target, life.symbol_partitions)
      ELSE format('SELECT %I.set_number_partitions(%L::regclass, %s, ''symbol'')', home, target, life.symbol_partitions) END;
  END IF;
  IF tier = 'community' AND life.compress_after IS NOT NULL THEN
    EXECUTE $sql$
      SELECT h.compression_enabled FROM timescaledb_information.hypertables h
       WHERE format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass = $1 $sql$ INTO packs USING target;
    IF NOT packs THEN
      result := result || format(
        'ALTER TABLE %s SET (timescaledb.compress, timescaledb.compress_segmentby = %L, timescaledb.compress_orderby = ''time DESC'')',
        target, life.segment_by);
    END IF;
  END IF;
  RETURN result;
END $$;
COMMENT ON FUNCTION ingest.lifecycle_statements(regclass, text) IS
  'What has to be done for a hypertable to be as its row says; nothing when it is';

CREATE FUNCTION ingest.apply_lifecycle(target regclass) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' SET lock_timeout = '1s' AS $$
DECLARE
  todo text[] := ingest.lifecycle_statements(target);
  one  text;
BEGIN
  FOREACH one IN ARRAY todo LOOP
    EXECUTE one;
  END LOOP;
  RETURN todo;
END $$;
COMMENT ON FUNCTION ingest.apply_lifecycle(regclass) IS 'Makes a hypertable as its row in ingest.lifecycle says; tells what it did';

CREATE FUNCTION ingest.claim_maintenance(who text, every interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET lock_timeout = '2s' AS $$
BEGIN
  UPDATE ingest.maintenance SET started_at = now(), started_by = who WHERE started_at <= now() - every;
  RETURN FOUND;
END $$;
COMMENT ON FUNCTION ingest.claim_maintenance(text, interval) IS
  'Whether the caller is to do maintenance now: true for one caller a period';

-- From the first moment there are partitions to write to.
SELECT ingest.make_chunks(l.table_name::regclass, ARRAY[now(), now() + interval '1 day', now() + interval '2 days'])
  FROM ingest.lifecycle l WHERE ingest.tier() = 'plain' ORDER BY l.table_name;
