-- The four tables of market data: hypertables with chunks of a day where TimescaleDB can be had, declarative range
-- partitions of a day elsewhere. Numbers keep 38 digits, 18 of them decimals; times are instants.
-- docs: DECISIONS 16-20, docs/partitioning.md.

-- Where plain PostgreSQL keeps the partitions; empty with TimescaleDB, which has a schema of its own for chunks.
CREATE SCHEMA ingest_partitions;
COMMENT ON SCHEMA ingest_partitions IS
  'Partitions of the market data tables on plain PostgreSQL; read and write through the tables in public';

DO $$
BEGIN
  -- The extension ends the session when it was not preloaded, so that is asked first.
  IF current_setting('timescaledb.disable_load', true) IS NOT NULL
     AND EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb') THEN
    CREATE EXTENSION IF NOT EXISTS timescaledb;
  END IF;
END $$;

DO $$
DECLARE
  -- A partitioned table cannot be made from a plain one, and TimescaleDB wants a plain one.
  by_range text := CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN ''
                        ELSE ' PARTITION BY RANGE (time)' END;
BEGIN
  EXECUTE $table$
    CREATE TABLE public.market_data_ohlcv (
      time         timestamptz    NOT NULL,
      exchange     text           NOT NULL CHECK (length(exchange) <= 50),
      symbol       text           NOT NULL CHECK (length(symbol) <= 64),
      timeframe    text           NOT NULL CHECK (length(timeframe) <= 10),
      open         numeric(38,18) NOT NULL,
      high         numeric(38,18) NOT NULL,
      low          numeric(38,18) NOT NULL,
      close        numeric(38,18) NOT NULL,
      volume       numeric(38,18) NOT NULL,
      quote_volume numeric(38,18),
      trades_count integer CHECK (trades_count >= 0),
      entry_id     uuid,
      created_at   timestamptz    NOT NULL DEFAULT CURRENT_TIMESTAMP,
      updated_at   timestamptz    NOT NULL DEFAULT CURRENT_TIMESTAMP,
      CONSTRAINT ohlcv_low_and_high CHECK (low <= high)
    )
  $table$ || by_range;

  EXECUTE $table$
    CREATE TABLE public.market_data_ticker (
      time                     timestamptz NOT NULL,
      exchange                 text        NOT NULL CHECK (length(exchange) <= 50),
      symbol                   text        NOT NULL CHECK (length(symbol) <= 64),
      last_price               numeric(38,18),
      bid_price                numeric(38,18),
      ask_price                numeric(38,18),
      bid_volume               numeric(38,18),
      ask_volume               numeric(38,18),
      volume_24h               numeric(38,18),
      quote_volume_24h         numeric(38,18),
      price_change_24h         numeric(38,18),
      price_change_percent_24h numeric(38,18),
      last_updated             timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
      CONSTRAINT ticker_has_a_price CHECK (num_nonnulls(last_price, bid_price, ask_price) > 0)
    )
  $table$ || by_range;

  EXECUTE $table$
    CREATE TABLE public.market_data_orderbook (
      time         timestamptz NOT NULL,
      exchange     text        NOT NULL CHECK (length(exchange) <= 50),
      symbol       text        NOT NULL CHECK (length(symbol) <= 64),
      kind         text        NOT NULL CONSTRAINT orderbook_kind CHECK (kind IN ('snapshot', 'delta')),
      bids         jsonb       NOT NULL,
      asks         jsonb       NOT NULL,
      timestamp_ms bigint,
      created_at   timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
    )
  $table$ || by_range;

  EXECUTE $table$
    CREATE TABLE public.market_data_trades (
      time           timestamptz    NOT NULL,
      exchange       text           NOT NULL CHECK (length(exchange) <= 50),
      symbol         text           NOT NULL CHECK (length(symbol) <= 64),
      trade_id       text CHECK (length(trade_id) <= 100),
      price          numeric(38,18) NOT NULL,
      amount         numeric(38,18) NOT NULL,
      side           text           NOT NULL CHECK (length(side) <= 10),
      type           text CHECK (length(type) <= 20),
      taker_or_maker text CHECK (length(taker_or_maker) <= 20),
      created_at     timestamptz    NOT NULL DEFAULT CURRENT_TIMESTAMP
    )
  $table$ || by_range;
END $$;

COMMENT ON TABLE public.market_data_ohlcv IS 'Candles; of two versions of a candle the later one stays';
COMMENT ON COLUMN public.market_data_ohlcv.time IS 'Start of the candle';
COMMENT ON COLUMN public.market_data_ohlcv.entry_id IS 'Stream id of the version stored: decides between versions of the same updated_at';
COMMENT ON COLUMN public.market_data_ohlcv.updated_at IS 'Time of the version: the event''s, or else when it was enqueued';

COMMENT ON TABLE public.market_data_ticker IS 'Tickers: best bid and ask, last price where the exchange gives it';

COMMENT ON TABLE public.market_data_orderbook IS 'Order books: whole ones and changes';
COMMENT ON COLUMN public.market_data_orderbook.kind IS 'snapshot: the whole book. delta: changed levels, size 0 removes one';
COMMENT ON COLUMN public.market_data_orderbook.bids IS '[["price","size"(,"order_id")],…], best first, as strings: no digit is lost';
COMMENT ON COLUMN public.market_data_orderbook.asks IS '[["price","size"(,"order_id")],…], best first, as strings: no digit is lost';

COMMENT ON TABLE public.market_data_trades IS 'Trades; one that has an id is stored once';
COMMENT ON COLUMN public.market_data_trades.trade_id IS 'The exchange''s id; NULL where the source has none';

DO $$
DECLARE
  home text;
  name text;
BEGIN
  SELECT s.nspname INTO home
    FROM pg_extension e JOIN pg_namespace s ON s.oid = e.extnamespace WHERE e.extname = 'timescaledb';
  IF home IS NULL THEN
    RETURN;
  END IF;
  FOREACH name IN ARRAY ARRAY['market_data_ohlcv', 'market_data_ticker', 'market_data_orderbook', 'market_data_trades']
  LOOP
    EXECUTE format(
      'SELECT %I.create_hypertable(%L::regclass, ''time'', chunk_time_interval => interval ''1 day'', '
      'create_default_indexes => false)', home, 'public.' || name);
  END LOOP;
  EXECUTE format(
    'SELECT %I.add_dimension(%L::regclass, ''symbol'', number_partitions => 10)', home, 'public.market_data_ohlcv');
END $$;

-- One index is the natural key and the index for queries. NULL trade ids are distinct.
CREATE UNIQUE INDEX idx_ohlcv_exchange_symbol_time
  ON public.market_data_ohlcv (exchange, symbol, time DESC, timeframe);
CREATE INDEX idx_ticker_exchange_symbol_time
  ON public.market_data_ticker (exchange, symbol, time DESC);
CREATE INDEX idx_orderbook_exchange_symbol_time
  ON public.market_data_orderbook (exchange, symbol, time DESC);
CREATE UNIQUE INDEX idx_trades_exchange_symbol_time
  ON public.market_data_trades (exchange, symbol, time DESC, trade_id);
