SET LOCAL ROLE millrace_owner;

DROP INDEX ingest.dead_letter_referred;

CREATE OR REPLACE FUNCTION ingest.add_attempt(log jsonb, attempt jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_array_length(log) < 20 THEN log ELSE log - 0 END || jsonb_build_array(attempt)
$$;
COMMENT ON FUNCTION ingest.add_attempt(jsonb, jsonb) IS 'Adds an attempt to a letter''s log, which keeps the last 20';
