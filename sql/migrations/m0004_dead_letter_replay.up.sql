-- Dead letters that are looked through, corrected, tried again: who did what, and indexes for looking. DECISIONS 14.

ALTER TABLE ingest.dead_letter
  ADD COLUMN first_reason text,
  ADD COLUMN edits        int NOT NULL DEFAULT 0 CHECK (edits >= 0),
  ADD COLUMN edited_at    timestamptz,
  ADD COLUMN closed_by    text,
  ADD COLUMN stored_by    uuid;
COMMENT ON COLUMN ingest.dead_letter.cause IS 'Code of the last attempt''s reason, such as not_a_number';
COMMENT ON COLUMN ingest.dead_letter.reason IS 'Code, field and column of the last attempt; never a value of the record';
COMMENT ON COLUMN ingest.dead_letter.first_reason IS 'The reason it was written for, once another attempt has failed';
COMMENT ON COLUMN ingest.dead_letter.batch IS 'The batch it was found in (ingest.batch, while that is kept)';
COMMENT ON COLUMN ingest.dead_letter.edits IS 'How often edited_payload changed: what was read must be what is stored';
COMMENT ON COLUMN ingest.dead_letter.closed_by IS 'Who stored or discarded it';
COMMENT ON COLUMN ingest.dead_letter.stored_by IS 'The batch that stored it (ingest.batch, while that is kept)';
COMMENT ON COLUMN ingest.dead_letter.next_retry IS
  'When it is tried again, or, during a try, when the worker that tries it counts as dead; NULL waits for an operator';

-- Lists show the newest first, replay goes by entry.
DROP INDEX ingest.dead_letter_due;
CREATE INDEX dead_letter_due ON ingest.dead_letter (next_retry) WHERE state = 'o' AND next_retry IS NOT NULL;
CREATE INDEX dead_letter_open ON ingest.dead_letter (source_no, id) WHERE state = 'o';
CREATE INDEX dead_letter_newest ON ingest.dead_letter (state, created_at DESC, source_no DESC, id DESC);
CREATE INDEX dead_letter_cause ON ingest.dead_letter (cause, created_at DESC) WHERE state = 'o';
CREATE INDEX dead_letter_table ON ingest.dead_letter (table_name, created_at DESC) WHERE state = 'o';
CREATE INDEX dead_letter_batch ON ingest.dead_letter (batch) WHERE batch IS NOT NULL;

-- The fence of a replay. Two of them lock in one order, so they cannot deadlock; the later one finds the letters closed.
CREATE FUNCTION ingest.take_letters(src int[], entries uuid[], revisions int[]) RETURNS int
LANGUAGE plpgsql SET search_path = ingest, pg_catalog, public AS $$
DECLARE got int;
BEGIN
  SELECT count(*) INTO got FROM (
    SELECT 1 FROM ingest.dead_letter l
      JOIN unnest(src, entries, revisions) AS t(s, e, r) ON l.source_no = t.s AND l.id = t.e AND l.edits = t.r
     WHERE l.state = 'o' ORDER BY l.source_no, l.id FOR UPDATE OF l) AS taken;
  IF got <> cardinality(src) THEN
    RAISE EXCEPTION 'dead letters: closed or edited meanwhile' USING ERRCODE = 'SL003';
  END IF;
  RETURN got;
END $$;
COMMENT ON FUNCTION ingest.take_letters(int[], uuid[], int[]) IS
  'Locks open letters for the rest of the transaction; SL003 unless all are open and as they were read. Before COMMIT';

CREATE FUNCTION ingest.add_attempt(log jsonb, attempt jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_array_length(log) < 20 THEN log ELSE log - 0 END || jsonb_build_array(attempt)
$$;
COMMENT ON FUNCTION ingest.add_attempt(jsonb, jsonb) IS 'Adds an attempt to a letter''s log, which keeps the last 20';
