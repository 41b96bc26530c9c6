-- The ledger: which entries of which streams are stored, and the letters of those that cannot be.
-- A database owner may run this; no superuser is needed. docs: GUARANTEES, DECISIONS 1, 3, 4, 11, 14, 29.

CREATE SCHEMA IF NOT EXISTS ingest;
COMMENT ON SCHEMA ingest IS 'Millrace: ledger of stored stream entries, dead letters, lineage';

-- Needed for the exclusion constraint over (integer, range). A trusted extension.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- A stream id is two unsigned 64-bit numbers; as a uuid (milliseconds, then sequence, most significant byte first)
-- it is kept exactly, and uuids order as ids do.
CREATE TYPE ingest.sidrange AS RANGE (subtype = uuid);
COMMENT ON TYPE ingest.sidrange IS 'A range of stream ids, each a uuid of milliseconds and sequence';

CREATE FUNCTION ingest.stream_id(id uuid) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (CASE WHEN ms < 0 THEN ms::numeric + 18446744073709551616 ELSE ms::numeric END)::text || '-'
      || (CASE WHEN seq < 0 THEN seq::numeric + 18446744073709551616 ELSE seq::numeric END)::text
    FROM (SELECT ('x' || left(hex, 16))::bit(64)::bigint AS ms, ('x' || right(hex, 16))::bit(64)::bigint AS seq
            FROM (SELECT replace(id::text, '-', '') AS hex) AS digits) AS parts
$$;
COMMENT ON FUNCTION ingest.stream_id(uuid) IS 'A stream id as Redis writes it: milliseconds-sequence';

CREATE TABLE ingest.source (
  source_no     int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  redis_id      text        NOT NULL,
  redis_db      int         NOT NULL,
  stream        bytea       NOT NULL,
  grp           text        NOT NULL,
  incarnation   uuid        NOT NULL,
  max_id        uuid,
  entries_added bigint,
  replication_id text,
  opened_at     timestamptz NOT NULL DEFAULT now(),
  closed_at     timestamptz,
  UNIQUE (redis_id, redis_db, stream, grp, incarnation)
);
CREATE UNIQUE INDEX source_open ON ingest.source (redis_id, redis_db, stream, grp) WHERE closed_at IS NULL;
COMMENT ON TABLE ingest.source IS 'One incarnation of one stream, as one consumer group sees it';
COMMENT ON COLUMN ingest.source.redis_id IS 'Name of the Redis deployment, chosen by the operator; never host and port';
COMMENT ON COLUMN ingest.source.stream IS 'The stream''s key; keys are bytes';
COMMENT ON COLUMN ingest.source.incarnation IS 'Also kept in Redis, as consumer epoch:<uuid> of the group';
COMMENT ON COLUMN ingest.source.max_id IS 'Highest id known, at the last floor merge: tells a missing group from a missing stream';
COMMENT ON COLUMN ingest.source.entries_added IS 'entries-added of the stream at the last look (Redis 7.0 and later)';
COMMENT ON COLUMN ingest.source.replication_id IS
  'master_replid of the server the source was opened on: another one means that a failover may have lost entries';

CREATE TABLE ingest.ledger (
  source_no    int             NOT NULL,
  ids          ingest.sidrange NOT NULL,
  kind         "char"          NOT NULL,
  n            bigint,
  committed_at timestamptz     NOT NULL DEFAULT now(),
  CONSTRAINT ledger_shape CHECK (
    lower_inc(ids) AND upper_inc(ids) AND kind IN ('B', 'F') AND n >= 0 AND (n IS NOT NULL OR kind = 'F')),
  CONSTRAINT ledger_once EXCLUDE USING gist (source_no WITH =, ids WITH &&)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE ingest.ledger IS 'Ranges of entries that are disposed of: stored, or in ingest.dead_letter';
COMMENT ON COLUMN ingest.ledger.kind IS 'B: range of a batch. F: floor, everything at or below it';
COMMENT ON COLUMN ingest.ledger.n IS 'Entries this row stands for; NULL for a floor adopted from a group that existed before';

CREATE FUNCTION ingest.fence(src int[], lo uuid[], hi uuid[], cnt bigint[]) RETURNS int
LANGUAGE plpgsql SET search_path = ingest, pg_catalog, public AS $$
DECLARE got int;
BEGIN
  INSERT INTO ingest.ledger (source_no, ids, kind, n)
  SELECT s, ingest.sidrange(a, b, '[]'), 'B', c
    FROM unnest(src, lo, hi, cnt) AS t(s, a, b, c) ORDER BY s, a      -- one order for all: no deadlocks
  ON CONFLICT ON CONSTRAINT ledger_once DO NOTHING;                   -- waits for a competitor, then tells the truth
  GET DIAGNOSTICS got = ROW_COUNT;
  IF got <> cardinality(src) THEN
    RAISE EXCEPTION 'ledger: already committed' USING ERRCODE = 'SL001';
  END IF;
  RETURN got;
END $$;
COMMENT ON FUNCTION ingest.fence(int[], uuid[], uuid[], bigint[]) IS
  'Records ranges, all or none; SL001 when any of their entries is in the ledger already. Last before COMMIT';

-- COPY tells only its client how many rows it stored, and by then the rest of the query string has run. Rows can
-- vanish only through a trigger, and only tables that survive a crash may be acknowledged, so both are checked here,
-- in the transaction, while the COPY's lock keeps such triggers from being made. Columns are compared, too: the binary
-- form of a number is a text as well, so that a column whose type was changed would take other values silently.
CREATE FUNCTION ingest.guard_targets(targets oid[], shapes text[]) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
  target oid;
  place  int := 0;
BEGIN
  FOREACH target IN ARRAY targets LOOP              -- one at a time: a plan for any number would be made anew each time
    place := place + 1;
    IF NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = target AND c.relpersistence = 'p')
       OR shapes[place] IS DISTINCT FROM (
            SELECT md5(string_agg(a.attname || ' ' || a.atttypid || ' ' || a.atttypmod, ',' ORDER BY a.attnum))
              FROM pg_attribute a WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped)
       OR EXISTS (SELECT 1 FROM pg_trigger t
                   WHERE t.tgrelid = target AND (t.tgtype & 7) = 7      -- bits: 1 row, 2 before, 4 insert
                     AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgname <> 'ts_insert_blocker') THEN
      RAISE EXCEPTION 'target % was replaced or altered, is not permanent, or has a row trigger before insert',
        target::regclass
        USING ERRCODE = 'SL002';
    END IF;
  END LOOP;
  RETURN cardinality(targets);
END $$;
COMMENT ON FUNCTION ingest.guard_targets(oid[], text[]) IS
  'SL002 unless every table is permanent, has the columns it had, and no row trigger before INSERT that could drop rows';

CREATE TABLE ingest.dead_letter (
  source_no       int         NOT NULL,
  id              uuid        NOT NULL,
  stream          text        NOT NULL,
  payload         bytea       NOT NULL,
  payload_bytes   bigint      NOT NULL,
  parts           int         NOT NULL DEFAULT 0 CHECK (parts >= 0),
  by_reference    boolean     NOT NULL DEFAULT false,
  cause           text        NOT NULL,
  reason          text        NOT NULL,
  mapping         text,
  table_name      text,
  column_name     text,
  field           text,
  sqlstate        text CHECK (length(sqlstate) = 5),
  constraint_name text,
  detail          text,
  fingerprint     text        NOT NULL,
  batch           uuid,
  attempts        int         NOT NULL DEFAULT 0,
  attempt_log     jsonb       NOT NULL DEFAULT '[]',
  state           "char"      NOT NULL DEFAULT 'o' CHECK (state IN ('o', 'r', 'd')),
  next_retry      timestamptz,
  mirrored        boolean     NOT NULL DEFAULT false,
  edited_payload  bytea,
  edited_by       text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  closed_at       timestamptz,
  PRIMARY KEY (source_no, id)
);
CREATE INDEX dead_letter_due ON ingest.dead_letter (next_retry) WHERE state = 'o';
CREATE INDEX dead_letter_mirror ON ingest.dead_letter (created_at) WHERE NOT mirrored;
CREATE INDEX dead_letter_fingerprint ON ingest.dead_letter (fingerprint, created_at DESC);
COMMENT ON TABLE ingest.dead_letter IS
  'Entries that could not be stored, written in the transaction that records them as disposed of';
COMMENT ON COLUMN ingest.dead_letter.stream IS 'The stream''s key for people; the exact key is in ingest.source';
COMMENT ON COLUMN ingest.dead_letter.payload IS
  'The fields as RESP bytes, as they came; empty when they are in ingest.dead_letter_part or kept by reference';
COMMENT ON COLUMN ingest.dead_letter.payload_bytes IS 'Size of the fields as RESP bytes, wherever they are';
COMMENT ON COLUMN ingest.dead_letter.by_reference IS 'Too large to copy: the fields are in the stream only';
COMMENT ON COLUMN ingest.dead_letter.cause IS 'Code of the reason, such as not_a_number';
COMMENT ON COLUMN ingest.dead_letter.reason IS 'Code, field and column; never a value of the record';
COMMENT ON COLUMN ingest.dead_letter.detail IS 'The server''s words; may quote the record. For operators only';
COMMENT ON COLUMN ingest.dead_letter.fingerprint IS 'The same for letters with the same cause, table, column and constraint';
COMMENT ON COLUMN ingest.dead_letter.attempt_log IS 'The last 20 attempts, oldest first';
COMMENT ON COLUMN ingest.dead_letter.state IS 'o: open, r: replayed, d: discarded';
COMMENT ON COLUMN ingest.dead_letter.next_retry IS 'When it is tried again; NULL waits for an operator';
COMMENT ON COLUMN ingest.dead_letter.mirrored IS 'Whether the dead-letter stream in Redis has it';

CREATE TABLE ingest.dead_letter_part (
  source_no int   NOT NULL,
  id        uuid  NOT NULL,
  part      int   NOT NULL CHECK (part >= 0),
  payload   bytea NOT NULL,
  PRIMARY KEY (source_no, id, part)
);
COMMENT ON TABLE ingest.dead_letter_part IS 'The fields of large dead letters, in parts of 1 MiB, counted from 0';

CREATE FUNCTION ingest.dead_letter_payload(source int, entry uuid) RETURNS bytea
LANGUAGE sql STABLE STRICT AS $$
  SELECT CASE WHEN l.parts = 0 THEN l.payload
              ELSE (SELECT string_agg(p.payload, ''::bytea ORDER BY p.part)
                      FROM ingest.dead_letter_part p WHERE p.source_no = l.source_no AND p.id = l.id) END
    FROM ingest.dead_letter l WHERE l.source_no = source AND l.id = entry AND NOT l.by_reference
$$;
COMMENT ON FUNCTION ingest.dead_letter_payload(int, uuid) IS
  'The fields of a letter as they came, parts put together; NULL when kept by reference';

CREATE TABLE ingest.suspect (
  source_no     int         NOT NULL,
  id            uuid        NOT NULL,
  lone_attempts int         NOT NULL DEFAULT 0 CHECK (lone_attempts >= 0),
  last_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source_no, id)
);
COMMENT ON TABLE ingest.suspect IS
  'Entries whose worker died: tried alone, and counted before each try, so that a fatal one ends as a dead letter';

CREATE TABLE ingest.batch (
  batch        uuid        PRIMARY KEY,
  worker       text        NOT NULL,
  lane         int         NOT NULL,
  tables       text[]      NOT NULL,
  rows         bigint      NOT NULL,
  duplicates   bigint      NOT NULL,
  letters      bigint      NOT NULL,
  bytes        bigint      NOT NULL,
  sealed_by    text        NOT NULL,
  read_at      timestamptz,
  -- The last statement before COMMIT, not the moment when the transaction began.
  committed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX batch_committed ON ingest.batch (committed_at);
COMMENT ON TABLE ingest.batch IS 'Lineage of committed batches, pruned by age. No guarantee rests on it';
COMMENT ON COLUMN ingest.batch.rows IS 'Rows stored, of all tables';
COMMENT ON COLUMN ingest.batch.duplicates IS 'Rows that a natural key showed to be stored already';
COMMENT ON COLUMN ingest.batch.sealed_by IS 'What ended the batch: rows, bytes, linger, drain, …';

CREATE TABLE ingest.batch_range (
  source_no int    NOT NULL,
  lo        uuid   NOT NULL,
  hi        uuid   NOT NULL,
  n         bigint NOT NULL,
  batch     uuid   NOT NULL
);
CREATE INDEX batch_range_entry ON ingest.batch_range (source_no, lo);
CREATE INDEX batch_range_batch ON ingest.batch_range (batch);
COMMENT ON TABLE ingest.batch_range IS 'Which entries a batch took: from an entry to its batch and back';

CREATE TABLE ingest.destination (
  only_row          boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
  system_identifier text,
  timeline          int,
  noted_at          timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ingest.destination IS
  'Which server, on which timeline, took the last commits: tells a failover or a restore from a restart';

CREATE VIEW ingest.status AS
  SELECT s.redis_id, s.redis_db, encode(s.stream, 'escape') AS stream, s.grp, s.source_no, s.incarnation, s.opened_at,
         l.ledger_rows, l.entries, l.highest_id, l.last_commit,
         coalesce(d.open_letters, 0) AS open_letters, coalesce(d.unmirrored_letters, 0) AS unmirrored_letters
    FROM ingest.source s
    LEFT JOIN LATERAL (
      SELECT count(*) AS ledger_rows, sum(n) AS entries, max(committed_at) AS last_commit,
             ingest.stream_id((array_agg(upper(ids) ORDER BY upper(ids) DESC))[1]) AS highest_id
        FROM ingest.ledger WHERE source_no = s.source_no) l ON true
    LEFT JOIN (
      SELECT source_no, count(*) FILTER (WHERE state = 'o') AS open_letters,
             count(*) FILTER (WHERE NOT mirrored) AS unmirrored_letters
        FROM ingest.dead_letter GROUP BY source_no) d ON d.source_no = s.source_no
   WHERE s.closed_at IS NULL;
COMMENT ON VIEW ingest.status IS 'Each stream being ingested: how far, how many, what could not be stored';

CREATE VIEW ingest.dead_letter_groups AS
  SELECT fingerprint, cause, min(reason) AS reason, table_name, column_name, sqlstate, constraint_name,
         count(*) AS letters, count(*) FILTER (WHERE state = 'o') AS open,
         count(*) FILTER (WHERE state = 'o' AND next_retry IS NOT NULL) AS retrying,
         count(DISTINCT stream) AS streams, min(created_at) AS first_at, max(created_at) AS last_at
    FROM ingest.dead_letter
   GROUP BY fingerprint, cause, table_name, column_name, sqlstate, constraint_name;
COMMENT ON VIEW ingest.dead_letter_groups IS 'Dead letters by what is wrong with them';
