DROP VIEW public.market_data_spread;
DROP VIEW public.latest_ticker;
DO $$
DECLARE
  item ingest.rollup;
  kind text;
BEGIN
  FOR item IN SELECT r.* FROM ingest.rollup r LOOP
    kind := 'VIEW';
    IF ingest.tier() <> 'plain' THEN
      EXECUTE 'SELECT CASE WHEN count(*) > 0 THEN ''MATERIALIZED VIEW'' ELSE ''VIEW'' END '
        'FROM timescaledb_information.continuous_aggregates WHERE view_schema = ''public'' AND view_name = $1'
        INTO kind USING item.view_name;
    END IF;
    EXECUTE format('DROP %s public.%I', kind, item.view_name);
  END LOOP;
END $$;
DROP FUNCTION ingest.rollup_statements(ingest.rollup, text);
DROP FUNCTION ingest.rollup_select(ingest.rollup, text);
DROP TABLE ingest.rollup;
