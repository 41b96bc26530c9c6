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
COMMENT ON COLUMN ingest.dead_letter.edited_at IS 'When edited_payload changed last';
COMMENT ON COLUMN ingest.dead_letter.closed_by IS 'Who stored or discarded it';
COMMENT ON COLUMN ingest.dead_letter.stored_by IS 'The batch that stored it (ingest.batch, while that is kept)';
COMMENT ON COLUMN ingest.dead_letter.next_retry IS
  'When it is tried again, or, during a try, when the worker that tries it counts as dead; NULL waits for an operator';

-- Lists show the newest first, replay goes by entry. Only open letters are looked for often, and a letter that is closed
-- then costs one index, not seven.
DROP INDEX ingest.dead_letter_due;
DROP INDEX ingest.dead_letter_fingerprint;
CREATE INDEX dead_letter_due ON ingest.dead_letter (next_retry) WHERE state = 'o' AND next_retry IS NOT NULL;
CREATE INDEX dead_letter_open ON ingest.dead_letter (source_no, id) WHERE state = 'o';
CREATE INDEX dead_letter_newest ON ingest.dead_letter (created_at DESC, source_no DESC, id DESC) WHERE state = 'o';
CREATE INDEX dead_letter_fingerprint ON ingest.dead_letter (fingerprint, created_at DESC) WHERE state = 'o';
CREATE INDEX dead_letter_cause ON ingest.dead_letter (cause, created_at DESC) WHERE state = 'o';
CREATE INDEX dead_letter_table ON ingest.dead_letter (table_name, created_at DESC) WHERE state = 'o';
CREATE INDEX dead_letter_batch ON ingest.dead_letter (batch) WHERE state = 'o' AND batch IS NOT NULL;

-- The fence of a replay: the transaction that stores letters closes them, and fails unless it found all of them open
-- and as they were read.
CREATE FUNCTION ingest.require_letters(got bigint, wanted bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF got <> wanted THEN
    RAISE EXCEPTION 'dead letters: closed or edited meanwhile' USING ERRCODE = 'SL004';
  END IF;
  RETURN got;
END $$;
COMMENT ON FUNCTION ingest.require_letters(bigint, bigint) IS
  'SL004 unless a replay found all its letters open and as it had read them. In the transaction that stores them';

CREATE FUNCTION ingest.add_attempt(log jsonb, attempt jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_array_length(log) < 20 THEN log ELSE log - 0 END || jsonb_build_array(attempt)
$$;
COMMENT ON FUNCTION ingest.add_attempt(jsonb, jsonb) IS 'Adds an attempt to a letter''s log, which keeps the last 20';
