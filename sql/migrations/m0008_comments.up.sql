-- What every table and column is, for \d+ and for docs/schema.md. Earlier migrations say part of it.

COMMENT ON COLUMN ingest.source.source_no IS 'Short name of the source in the ledger';
COMMENT ON COLUMN ingest.source.redis_db IS 'Database number of the Redis server';
COMMENT ON COLUMN ingest.source.grp IS 'The consumer group';
COMMENT ON COLUMN ingest.source.opened_at IS 'When the incarnation was first seen';
COMMENT ON COLUMN ingest.source.closed_at IS 'When another incarnation took its place; NULL while it is read';

COMMENT ON COLUMN ingest.ledger.source_no IS 'The source, see ingest.source';
COMMENT ON COLUMN ingest.ledger.ids IS 'First and last id of the range, both included';
COMMENT ON COLUMN ingest.ledger.committed_at IS 'When the range was recorded';

COMMENT ON COLUMN ingest.dead_letter.source_no IS 'The source, see ingest.source';
COMMENT ON COLUMN ingest.dead_letter.id IS 'The entry''s stream id; ingest.stream_id writes it as Redis does';
COMMENT ON COLUMN ingest.dead_letter.parts IS 'How many rows of ingest.dead_letter_part hold the fields; 0 when they are in payload';
COMMENT ON COLUMN ingest.dead_letter.mapping IS 'The mapping that was tried';
COMMENT ON COLUMN ingest.dead_letter.table_name IS 'The table the entry was meant for';
COMMENT ON COLUMN ingest.dead_letter.column_name IS 'The column to blame, when one is';
COMMENT ON COLUMN ingest.dead_letter.field IS 'The entry''s field to blame, when one is';
COMMENT ON COLUMN ingest.dead_letter.sqlstate IS 'The server''s code, when PostgreSQL refused the row';
COMMENT ON COLUMN ingest.dead_letter.constraint_name IS 'The constraint that refused the row';
COMMENT ON COLUMN ingest.dead_letter.batch IS 'The batch that wrote the letter';
COMMENT ON COLUMN ingest.dead_letter.attempts IS 'How often it was tried';
COMMENT ON COLUMN ingest.dead_letter.edited_payload IS 'Fields to be tried instead of the original ones';
COMMENT ON COLUMN ingest.dead_letter.edited_by IS 'Who edited it';
COMMENT ON COLUMN ingest.dead_letter.created_at IS 'When it was written';
COMMENT ON COLUMN ingest.dead_letter.closed_at IS 'When it was replayed or discarded';

COMMENT ON COLUMN ingest.dead_letter_part.source_no IS 'The source of the letter';
COMMENT ON COLUMN ingest.dead_letter_part.id IS 'The letter''s stream id';
COMMENT ON COLUMN ingest.dead_letter_part.part IS 'Place of the part, from 0';
COMMENT ON COLUMN ingest.dead_letter_part.payload IS 'Bytes of the fields';

COMMENT ON COLUMN ingest.suspect.source_no IS 'The source, see ingest.source';
COMMENT ON COLUMN ingest.suspect.id IS 'The entry''s stream id';
COMMENT ON COLUMN ingest.suspect.lone_attempts IS 'How often it was tried alone';
COMMENT ON COLUMN ingest.suspect.last_at IS 'When it was tried last';

COMMENT ON COLUMN ingest.batch.batch IS 'Name of the batch';
COMMENT ON COLUMN ingest.batch.worker IS 'The worker that wrote it';
COMMENT ON COLUMN ingest.batch.lane IS 'The worker''s lane';
COMMENT ON COLUMN ingest.batch.tables IS 'Tables it wrote to';
COMMENT ON COLUMN ingest.batch.letters IS 'Dead letters it wrote';
COMMENT ON COLUMN ingest.batch.bytes IS 'Bytes of the rows, as sent';
COMMENT ON COLUMN ingest.batch.read_at IS 'When the entries were read from Redis';
COMMENT ON COLUMN ingest.batch.committed_at IS 'When it was about to commit';

COMMENT ON COLUMN ingest.batch_range.source_no IS 'The source, see ingest.source';
COMMENT ON COLUMN ingest.batch_range.lo IS 'First id';
COMMENT ON COLUMN ingest.batch_range.hi IS 'Last id';
COMMENT ON COLUMN ingest.batch_range.n IS 'Entries in the range';
COMMENT ON COLUMN ingest.batch_range.batch IS 'The batch, see ingest.batch';

COMMENT ON COLUMN ingest.destination.only_row IS 'There is one row';
COMMENT ON COLUMN ingest.destination.system_identifier IS 'Identity of the database cluster';
COMMENT ON COLUMN ingest.destination.timeline IS 'Timeline of the server: changes with a failover or restore';
COMMENT ON COLUMN ingest.destination.noted_at IS 'When this was noted';

COMMENT ON COLUMN ingest.migration.number IS 'Number of the migration, from 1 without gaps';
COMMENT ON COLUMN ingest.migration.name IS 'Its name, as in the file''s name';
COMMENT ON COLUMN ingest.migration.checksum IS 'Of the SQL that was run';
COMMENT ON COLUMN ingest.migration.applied_at IS 'When it was applied';
COMMENT ON COLUMN ingest.migration.applied_by IS 'The role that applied it';

COMMENT ON COLUMN public.market_data_ohlcv.exchange IS 'Name of the exchange';
COMMENT ON COLUMN public.market_data_ohlcv.symbol IS 'Name of the pair, as the exchange or the collector writes it';
COMMENT ON COLUMN public.market_data_ohlcv.timeframe IS 'Length of the candle, such as 1m or 4h';
COMMENT ON COLUMN public.market_data_ohlcv.open IS 'First price';
COMMENT ON COLUMN public.market_data_ohlcv.high IS 'Highest price';
COMMENT ON COLUMN public.market_data_ohlcv.low IS 'Lowest price';
COMMENT ON COLUMN public.market_data_ohlcv.close IS 'Last price';
COMMENT ON COLUMN public.market_data_ohlcv.volume IS 'Traded, in the base currency';
COMMENT ON COLUMN public.market_data_ohlcv.quote_volume IS 'Traded, in the quote currency';
COMMENT ON COLUMN public.market_data_ohlcv.trades_count IS 'How many trades';
COMMENT ON COLUMN public.market_data_ohlcv.created_at IS 'When the row was written first';

COMMENT ON COLUMN public.market_data_ticker.time IS 'Time of the ticker, as the exchange gives it';
COMMENT ON COLUMN public.market_data_ticker.exchange IS 'Name of the exchange';
COMMENT ON COLUMN public.market_data_ticker.symbol IS 'Name of the pair';
COMMENT ON COLUMN public.market_data_ticker.last_price IS 'Price of the last trade; NULL where the source has none, see latest_ticker';
COMMENT ON COLUMN public.market_data_ticker.bid_price IS 'Best bid';
COMMENT ON COLUMN public.market_data_ticker.ask_price IS 'Best ask';
COMMENT ON COLUMN public.market_data_ticker.bid_volume IS 'Size at the best bid';
COMMENT ON COLUMN public.market_data_ticker.ask_volume IS 'Size at the best ask';
COMMENT ON COLUMN public.market_data_ticker.volume_24h IS 'Traded in 24 hours, in the base currency';
COMMENT ON COLUMN public.market_data_ticker.quote_volume_24h IS 'Traded in 24 hours, in the quote currency';
COMMENT ON COLUMN public.market_data_ticker.price_change_24h IS 'Change of the price in 24 hours';
COMMENT ON COLUMN public.market_data_ticker.price_change_percent_24h IS 'Change of the price in 24 hours, in percent';
COMMENT ON COLUMN public.market_data_ticker.last_updated IS 'When the row was written';

COMMENT ON COLUMN public.market_data_orderbook.time IS 'Time of the book, as the exchange gives it';
COMMENT ON COLUMN public.market_data_orderbook.exchange IS 'Name of the exchange';
COMMENT ON COLUMN public.market_data_orderbook.symbol IS 'Name of the pair';
COMMENT ON COLUMN public.market_data_orderbook.timestamp_ms IS 'The exchange''s own time stamp, in milliseconds since 1970';
COMMENT ON COLUMN public.market_data_orderbook.created_at IS 'When the row was written';

COMMENT ON COLUMN public.market_data_trades.time IS 'Time of the trade, as the exchange gives it';
COMMENT ON COLUMN public.market_data_trades.exchange IS 'Name of the exchange';
COMMENT ON COLUMN public.market_data_trades.symbol IS 'Name of the pair';
COMMENT ON COLUMN public.market_data_trades.price IS 'Price of one unit of the base currency';
COMMENT ON COLUMN public.market_data_trades.amount IS 'Units of the base currency';
COMMENT ON COLUMN public.market_data_trades.side IS 'Side of the taker: buy or sell';
COMMENT ON COLUMN public.market_data_trades.type IS 'Kind of order, where the exchange tells';
COMMENT ON COLUMN public.market_data_trades.taker_or_maker IS 'Which side the source was on, for own trades';
COMMENT ON COLUMN public.market_data_trades.created_at IS 'When the row was written';

COMMENT ON TABLE public.current_positions IS 'Open positions, one row each; a position whose amount becomes 0 moves to position_history';
COMMENT ON COLUMN public.current_positions.id IS 'Number of the row';
COMMENT ON COLUMN public.current_positions.exchange IS 'Name of the exchange';
COMMENT ON COLUMN public.current_positions.symbol IS 'Name of the pair or contract';
COMMENT ON COLUMN public.current_positions.side IS 'long or short';
COMMENT ON COLUMN public.current_positions.amount IS 'Size of the position';
COMMENT ON COLUMN public.current_positions.entry_price IS 'Average price at which it was opened';
COMMENT ON COLUMN public.current_positions.mark_price IS 'The exchange''s mark price';
COMMENT ON COLUMN public.current_positions.unrealized_pnl IS 'Profit or loss if it were closed at the mark price';
COMMENT ON COLUMN public.current_positions.realized_pnl IS 'Profit or loss already taken';
COMMENT ON COLUMN public.current_positions.leverage IS 'Leverage, such as 10.00';
COMMENT ON COLUMN public.current_positions.margin_type IS 'Such as cross or isolated';
COMMENT ON COLUMN public.current_positions.liquidation_price IS 'Price at which the exchange would close it';
COMMENT ON COLUMN public.current_positions.entry_id IS 'Stream id of the version stored: decides between versions of the same updated_at';
COMMENT ON COLUMN public.current_positions.created_at IS 'When the position was stored first';
COMMENT ON COLUMN public.current_positions.updated_at IS 'Time of the version: the event''s, or else when it was enqueued';

COMMENT ON TABLE public.position_history IS 'Positions that were closed';
COMMENT ON COLUMN public.position_history.id IS 'Number of the row';
COMMENT ON COLUMN public.position_history.exchange IS 'Name of the exchange';
COMMENT ON COLUMN public.position_history.symbol IS 'Name of the pair or contract';
COMMENT ON COLUMN public.position_history.side IS 'long or short';
COMMENT ON COLUMN public.position_history.amount IS 'Size of the position before it was closed';
COMMENT ON COLUMN public.position_history.entry_price IS 'Average price at which it was opened';
COMMENT ON COLUMN public.position_history.exit_price IS 'Price at which it was closed';
COMMENT ON COLUMN public.position_history.realized_pnl IS 'Profit or loss';
COMMENT ON COLUMN public.position_history.fees IS 'Fees paid';
COMMENT ON COLUMN public.position_history.duration IS 'How long it was open';
COMMENT ON COLUMN public.position_history.entry_id IS 'Stream id of the entry that closed it';
COMMENT ON COLUMN public.position_history.created_at IS 'When the row was written';
COMMENT ON COLUMN public.position_history.closed_at IS 'When the position was closed';

COMMENT ON TABLE public.orders IS 'Orders, each in its latest known state';
COMMENT ON COLUMN public.orders.id IS 'Number of the row';
COMMENT ON COLUMN public.orders.exchange_order_id IS 'The exchange''s id of the order';
COMMENT ON COLUMN public.orders.exchange IS 'Name of the exchange';
COMMENT ON COLUMN public.orders.symbol IS 'Name of the pair or contract';
COMMENT ON COLUMN public.orders.type IS 'Such as limit or market';
COMMENT ON COLUMN public.orders.side IS 'buy or sell';
COMMENT ON COLUMN public.orders.amount IS 'Size ordered';
COMMENT ON COLUMN public.orders.price IS 'Limit price; NULL for orders without one';
COMMENT ON COLUMN public.orders.status IS 'Such as open, closed or canceled, as the source writes it';
COMMENT ON COLUMN public.orders.filled_amount IS 'Size filled so far';
COMMENT ON COLUMN public.orders.remaining_amount IS 'Size still open';
COMMENT ON COLUMN public.orders.avg_fill_price IS 'Average price of the fills';
COMMENT ON COLUMN public.orders.fee IS 'Fees so far';
COMMENT ON COLUMN public.orders.entry_id IS 'Stream id of the version stored: decides between versions of the same updated_at';
COMMENT ON COLUMN public.orders.created_at IS 'When the order was placed, or stored first';
COMMENT ON COLUMN public.orders.updated_at IS 'Time of the version: the event''s, or else when it was enqueued';

COMMENT ON TABLE public.system_config IS 'Settings of the trading system, by key';
COMMENT ON COLUMN public.system_config.id IS 'Number of the row';
COMMENT ON COLUMN public.system_config.config_key IS 'Name of the setting';
COMMENT ON COLUMN public.system_config.config_value IS 'Its value, as text';
COMMENT ON COLUMN public.system_config.config_type IS 'How to read the value, such as string or integer';
COMMENT ON COLUMN public.system_config.description IS 'For people';
COMMENT ON COLUMN public.system_config.created_at IS 'When the setting was made';
COMMENT ON COLUMN public.system_config.updated_at IS 'When it was changed last';

COMMENT ON TABLE public.exchange_config IS 'Access to exchanges. Secrets are encrypted by the application; the key is not in the database';
COMMENT ON COLUMN public.exchange_config.id IS 'Number of the row';
COMMENT ON COLUMN public.exchange_config.exchange_name IS 'Name of the exchange';
COMMENT ON COLUMN public.exchange_config.api_key IS 'Public part of the access';
COMMENT ON COLUMN public.exchange_config.api_secret IS 'Secret part, encrypted';
COMMENT ON COLUMN public.exchange_config.passphrase IS 'Passphrase, encrypted';
COMMENT ON COLUMN public.exchange_config.sandbox IS 'Whether the exchange''s test system is meant';
COMMENT ON COLUMN public.exchange_config.rate_limit IS 'Requests that the exchange allows, in the unit its driver uses';
COMMENT ON COLUMN public.exchange_config.enabled IS 'Whether the exchange is used';
COMMENT ON COLUMN public.exchange_config.created_at IS 'When the row was made';
COMMENT ON COLUMN public.exchange_config.updated_at IS 'When it was changed last';

-- Why each index is there.
COMMENT ON INDEX public.idx_ohlcv_exchange_symbol_time IS 'The natural key of a candle, and the way to the candles of a pair, newest first';
COMMENT ON INDEX public.idx_ticker_exchange_symbol_time IS 'The way to the tickers of a pair, newest first';
COMMENT ON INDEX public.idx_orderbook_exchange_symbol_time IS 'The way to the books of a pair, newest first or nearest to a time';
COMMENT ON INDEX public.idx_trades_exchange_symbol_time IS 'The natural key of a trade that has an id, and the way to the trades of a pair, newest first';
COMMENT ON INDEX public.idx_positions_exchange_symbol IS 'Positions of a pair, whatever their side';
COMMENT ON INDEX public.idx_orders_exchange_status IS 'Open orders of an exchange';
COMMENT ON INDEX public.idx_orders_created_at IS 'The newest orders';
COMMENT ON INDEX public.idx_position_history_symbol_time IS 'What became of the positions of a symbol, newest first';
COMMENT ON INDEX public.current_positions_key IS 'The natural key: one row a position';
COMMENT ON INDEX public.orders_key IS 'The natural key: one row an order';
COMMENT ON INDEX public.system_config_key IS 'One row a setting';
COMMENT ON INDEX public.exchange_config_key IS 'One row an exchange';
COMMENT ON INDEX ingest.source_open IS 'One open incarnation of a stream and group: PostgreSQL is the referee';
COMMENT ON INDEX ingest.ledger_once IS 'No entry is recorded twice: ranges of a source never overlap';
COMMENT ON INDEX ingest.dead_letter_due IS 'Letters whose next try is due';
COMMENT ON INDEX ingest.dead_letter_mirror IS 'Letters that the stream of dead letters lacks';
COMMENT ON INDEX ingest.dead_letter_fingerprint IS 'Letters with the same cause, newest first';
COMMENT ON INDEX ingest.batch_committed IS 'Batches by age, for pruning and for figures of the last minutes';
COMMENT ON INDEX ingest.batch_range_entry IS 'From an entry to its batch';
COMMENT ON INDEX ingest.batch_range_batch IS 'From a batch to its entries';
COMMENT ON INDEX ingest.chunk_write_table IS 'The chunks of a table';

COMMENT ON TABLE ingest.position_key IS 'One row a position that was ever seen: what batches lock, in the order of the key';
COMMENT ON COLUMN ingest.position_key.exchange IS 'Name of the exchange';
COMMENT ON COLUMN ingest.position_key.symbol IS 'Name of the pair or contract';
COMMENT ON COLUMN ingest.position_key.side IS 'long or short';
COMMENT ON COLUMN ingest.position_key.seen_at IS 'When an event of it came last';
COMMENT ON TABLE ingest.position_event IS 'Events of positions, kept for a while: positions and history are worked out from them, whatever their order';
COMMENT ON COLUMN ingest.position_event.exchange IS 'Name of the exchange';
COMMENT ON COLUMN ingest.position_event.symbol IS 'Name of the pair or contract';
COMMENT ON COLUMN ingest.position_event.side IS 'long or short';
COMMENT ON COLUMN ingest.position_event.updated_at IS 'Time of the event';
COMMENT ON COLUMN ingest.position_event.entry_id IS 'Stream id: decides between events of one time';
COMMENT ON COLUMN ingest.position_event.amount IS 'Size of the position after it; 0 closes it';
COMMENT ON COLUMN ingest.position_event.entry_price IS 'Average price at which it was opened';
COMMENT ON COLUMN ingest.position_event.mark_price IS 'The exchange''s mark price';
COMMENT ON COLUMN ingest.position_event.realized_pnl IS 'Profit or loss already taken';
COMMENT ON COLUMN ingest.position_event.created_at IS 'When the position was opened, as the event says';
COMMENT ON COLUMN ingest.position_event.seen_at IS 'When the event was stored';
COMMENT ON INDEX ingest.position_event_zero IS 'The closes of a position';
COMMENT ON INDEX public.position_history_key IS 'A close is one row, however often it is worked out';
COMMENT ON INDEX ingest.dead_letter_open IS 'Replay goes entry by entry';
COMMENT ON INDEX ingest.dead_letter_newest IS 'Lists show the newest first';
COMMENT ON INDEX ingest.dead_letter_cause IS 'Letters of a cause';
COMMENT ON INDEX ingest.dead_letter_table IS 'Letters of a table';
COMMENT ON INDEX ingest.dead_letter_batch IS 'Letters of a batch';
