-- Drops the market data. The extension stays, because others may use it.

DROP TABLE public.market_data_trades;
DROP TABLE public.market_data_orderbook;
DROP TABLE public.market_data_ticker;
DROP TABLE public.market_data_ohlcv;
DROP SCHEMA ingest_partitions;
