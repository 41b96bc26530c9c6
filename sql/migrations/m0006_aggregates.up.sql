-- Candles made of trades and of smaller candles, the latest ticker of each pair, and spreads. Continuous aggregates
-- where the Community edition is, views elsewhere: same names, same columns, same results. docs: DECISIONS 25.

CREATE TABLE ingest.rollup (
  view_name   text     PRIMARY KEY,
  source_name text     NOT NULL,
  width       interval NOT NULL,
  about       text     NOT NULL
);
COMMENT ON TABLE ingest.rollup IS 'The candles that are made of other rows, and of which';
COMMENT ON COLUMN ingest.rollup.view_name IS 'The view or continuous aggregate, in schema public';
COMMENT ON COLUMN ingest.rollup.source_name IS 'market_data_trades, or market_data_ohlcv (its candles of 1m)';
COMMENT ON COLUMN ingest.rollup.width IS 'Time that one candle covers; candles begin at multiples of it since 1970, UTC';
COMMENT ON COLUMN ingest.rollup.about IS 'The comment of the view';
INSERT INTO ingest.rollup (view_name, source_name, width, about) VALUES
  ('market_data_ohlcv_1m_trades', 'market_data_trades', '1 minute', 'Candles of a minute, made of trades'),
  ('market_data_ohlcv_5m', 'market_data_ohlcv', '5 minutes', 'Candles of five minutes, made of candles of 1m'),
  ('market_data_ohlcv_15m', 'market_data_ohlcv', '15 minutes', 'Candles of fifteen minutes, made of candles of 1m'),
  ('market_data_ohlcv_1h', 'market_data_ohlcv', '1 hour', 'Candles of an hour, made of candles of 1m'),
  ('market_data_ohlcv_4h', 'market_data_ohlcv', '4 hours', 'Candles of four hours, made of candles of 1m'),
  ('market_data_ohlcv_1d', 'market_data_ohlcv', '1 day', 'Candles of a day (UTC), made of candles of 1m');

-- One SELECT for all tiers; only the word for "the beginning of the candle" differs. Ties in time are broken by the
-- trade's id, then the price, so that every tier calls the same trade the first and the last.
CREATE FUNCTION ingest.rollup_select(item ingest.rollup, tier text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog SET intervalstyle = 'postgres' AS $$
  SELECT format(CASE item.source_name WHEN 'market_data_trades' THEN $sql$
SELECT %1$s AS time, exchange, symbol,
       (array_agg(price ORDER BY time, trade_id COLLATE "C", price))[1] AS open,
       max(price) AS high, min(price) AS low,
       (array_agg(price ORDER BY time DESC, trade_id COLLATE "C" DESC, price DESC))[1] AS close,
       sum(amount) AS volume, sum(price * amount) AS quote_volume, count(*) AS trades_count
  FROM public.market_data_trades
 GROUP BY 1, 2, 3$sql$ ELSE $sql$
SELECT %1$s AS time, exchange, symbol,
       (array_agg(open ORDER BY time))[1] AS open, max(high) AS high, min(low) AS low,
       (array_agg(close ORDER BY time DESC))[1] AS close,
       sum(volume) AS volume, sum(quote_volume) AS quote_volume, sum(trades_count)::bigint AS trades_count
  FROM public.market_data_ohlcv
 WHERE timeframe = '1m'
 GROUP BY 1, 2, 3$sql$ END,
    CASE WHEN tier = 'plain'
      THEN format('to_timestamp(floor(extract(epoch FROM time) / %1$s) * %1$s)', extract(epoch FROM item.width)::int)
      ELSE format('%I.time_bucket(interval %L, time)', coalesce(ingest.timescale_schema(), 'public'), item.width) END)
$$;
COMMENT ON FUNCTION ingest.rollup_select(ingest.rollup, text) IS 'The query behind a rolled-up candle';

CREATE FUNCTION ingest.rollup_statements(item ingest.rollup, tier text) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog SET intervalstyle = 'postgres' AS $$
  SELECT CASE WHEN tier = 'community' THEN ARRAY[
    format('CREATE MATERIALIZED VIEW public.%I WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS %s WITH NO DATA',
           item.view_name, ingest.rollup_select(item, tier)),
    -- As far back as data is kept, so that late rows are counted; not the candle that is being made.
    format('SELECT %I.add_continuous_aggregate_policy(%L, start_offset => %L::interval, end_offset => %L::interval, schedule_interval => %L::interval)',
           coalesce(ingest.timescale_schema(), 'public'), 'public.' || item.view_name,
           coalesce((SELECT l.drop_after FROM ingest.lifecycle l WHERE l.table_name = 'public.' || item.source_name), interval '10 years'),
           item.width, greatest(item.width, interval '5 minutes')),
    format('COMMENT ON VIEW public.%I IS %L', item.view_name, item.about)]
  ELSE ARRAY[
    format('CREATE VIEW public.%I AS %s', item.view_name, ingest.rollup_select(item, tier)),
    format('COMMENT ON VIEW public.%I IS %L', item.view_name, item.about)] END
$$;
COMMENT ON FUNCTION ingest.rollup_statements(ingest.rollup, text) IS 'What makes a rolled-up candle on a tier';

DO $$
DECLARE
  item ingest.rollup;
  one  text;
BEGIN
  FOR item IN SELECT r.* FROM ingest.rollup r ORDER BY r.width, r.view_name LOOP
    FOREACH one IN ARRAY ingest.rollup_statements(item, ingest.tier()) LOOP
      EXECUTE one;
    END LOOP;
  END LOOP;
END $$;

-- Its conditions on exchange and symbol reach the index: the newest entry of the key, then that one row, then the
-- newest trade of the pair. Nothing is sorted and no chunk is read whole.
CREATE VIEW public.latest_ticker AS
  SELECT k.exchange, k.symbol, t.time, coalesce(t.last_price, l.price) AS last_price,
         CASE WHEN t.last_price IS NULL THEN l.time ELSE t.time END AS last_time,
         t.bid_price, t.ask_price, t.bid_volume, t.ask_volume, t.volume_24h, t.quote_volume_24h, t.price_change_24h,
         t.price_change_percent_24h, t.last_updated
    FROM (SELECT DISTINCT ON (exchange, symbol) exchange, symbol, time
            FROM public.market_data_ticker ORDER BY exchange, symbol, time DESC) k
   CROSS JOIN LATERAL (
      SELECT i.* FROM public.market_data_ticker i
       WHERE i.exchange = k.exchange AND i.symbol = k.symbol AND i.time = k.time
       ORDER BY i.last_updated DESC, i.bid_price DESC, i.ask_price DESC LIMIT 1) t
    LEFT JOIN LATERAL (
      SELECT x.price, x.time FROM public.market_data_trades x
       WHERE x.exchange = k.exchange AND x.symbol = k.symbol AND t.last_price IS NULL
       ORDER BY x.time DESC, x.trade_id DESC LIMIT 1) l ON true;
COMMENT ON VIEW public.latest_ticker IS
  'The newest ticker of each pair; where it has no last price, that of the newest trade. Ask for one pair at a time on large tables';
COMMENT ON COLUMN public.latest_ticker.last_price IS 'The ticker''s, or else that of the pair''s newest trade';
COMMENT ON COLUMN public.latest_ticker.last_time IS 'Time of last_price';

CREATE VIEW public.market_data_spread AS
  SELECT time, exchange, symbol, bid_price, ask_price, ask_price - bid_price AS spread,
         (ask_price + bid_price) / 2 AS mid_price,
         CASE WHEN ask_price + bid_price > 0 THEN (ask_price - bid_price) * 20000 / (ask_price + bid_price) END AS spread_bps
    FROM public.market_data_ticker
   WHERE bid_price IS NOT NULL AND ask_price IS NOT NULL;
COMMENT ON VIEW public.market_data_spread IS 'The distance of best bid and best ask of each ticker that has both';
COMMENT ON COLUMN public.market_data_spread.spread_bps IS 'Of the middle price, in hundredths of a percent';
