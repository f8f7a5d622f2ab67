"""The steps that build the database, oldest first; a step that has been released never changes.

Foreign keys tie the rows of one owner together. Between owners an id is a plain number, so that each owner can be
recovered, and replayed, by itself. `{id}` is the type of a number that is a primary key.

Source: REQUIREMENTS 14.1, 17.
"""

from __future__ import annotations

from scalper.store.migrations import Step

_DAYS_AND_ACCOUNTS = (
    """
    CREATE TABLE accounts (
        id TEXT PRIMARY KEY, broker TEXT NOT NULL, mode TEXT NOT NULL, is_enabled BOOLEAN NOT NULL,
        created_at BIGINT NOT NULL
    )""",
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """
    CREATE TABLE days (
        day TEXT PRIMARY KEY, market TEXT NOT NULL, market_name TEXT NOT NULL, seed BIGINT NOT NULL, mode TEXT NOT NULL,
        config_hash TEXT NOT NULL, opened_at BIGINT NOT NULL, last_at BIGINT NOT NULL, state TEXT NOT NULL,
        started_count BIGINT NOT NULL, summary TEXT NOT NULL
    )""",
    """
    CREATE TABLE daily_balances (
        account_id TEXT NOT NULL, day TEXT NOT NULL, starting_balance_paise BIGINT NOT NULL,
        is_estimated BOOLEAN NOT NULL, captured_at BIGINT NOT NULL, PRIMARY KEY (account_id, day)
    )""",
    """
    CREATE TABLE circuit_events (
        account_id TEXT NOT NULL, day TEXT NOT NULL, reason TEXT NOT NULL, at BIGINT NOT NULL, loss_bps BIGINT NOT NULL,
        limits TEXT NOT NULL, PRIMARY KEY (account_id, day, reason)
    )""",
    """
    CREATE TABLE carried_results (
        account_id TEXT PRIMARY KEY, before_day TEXT NOT NULL, net_paise BIGINT NOT NULL
    )""",
)

_SIGNALS = (
    """
    CREATE TABLE signals (
        id {id}, index_key TEXT NOT NULL, direction TEXT NOT NULL, confluence_type TEXT NOT NULL, day TEXT NOT NULL,
        effective_floor_paise BIGINT NOT NULL, effective_ceiling_paise BIGINT NOT NULL, candle_at BIGINT NOT NULL,
        figures TEXT NOT NULL, status TEXT NOT NULL, created_at BIGINT NOT NULL, published_at BIGINT,
        UNIQUE (index_key, direction, confluence_type, day, effective_floor_paise, effective_ceiling_paise, candle_at)
    )""",
    "CREATE INDEX signals_by_day ON signals (day)",
    """
    CREATE TABLE signal_deliveries (
        id {id}, signal_id BIGINT NOT NULL REFERENCES signals (id), account_id TEXT NOT NULL,
        intent_number BIGINT NOT NULL, status TEXT NOT NULL, created_at BIGINT NOT NULL, consumed_at BIGINT,
        UNIQUE (signal_id, account_id)
    )""",
    """
    CREATE TABLE trade_intents (
        id {id}, delivery_id BIGINT NOT NULL, leg_no BIGINT NOT NULL, signal_id BIGINT NOT NULL,
        account_id TEXT NOT NULL, index_key TEXT NOT NULL, instrument_key TEXT NOT NULL, quantity BIGINT NOT NULL,
        ltp_paise BIGINT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, tag TEXT NOT NULL,
        intent_number BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
        UNIQUE (delivery_id, leg_no)
    )""",
    "CREATE INDEX trade_intents_by_time ON trade_intents (created_at)",
    """
    CREATE TABLE gate_results (
        intent_id BIGINT NOT NULL REFERENCES trade_intents (id), place BIGINT NOT NULL, gate TEXT NOT NULL,
        measured TEXT NOT NULL, "limit" TEXT NOT NULL, is_passed BOOLEAN NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (intent_id, place)
    )""",
)

_EXITS = (
    """
    CREATE TABLE exit_signals (
        id {id}, position_id BIGINT NOT NULL, reason TEXT NOT NULL, episode BIGINT NOT NULL, ltp_paise BIGINT NOT NULL,
        evidence TEXT NOT NULL, status TEXT NOT NULL, detected_at BIGINT NOT NULL, published_at BIGINT,
        UNIQUE (position_id, reason, episode)
    )""",
    """
    CREATE TABLE exit_intents (
        id {id}, exit_signal_id BIGINT NOT NULL REFERENCES exit_signals (id), position_id BIGINT NOT NULL,
        account_id TEXT NOT NULL, reason TEXT NOT NULL, episode BIGINT NOT NULL, tag TEXT NOT NULL, text TEXT NOT NULL,
        quantity BIGINT NOT NULL, intent_number BIGINT NOT NULL, status TEXT NOT NULL, reject_reason TEXT NOT NULL,
        attempts BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
        UNIQUE (position_id, account_id, reason, episode)
    )""",
    """
    CREATE UNIQUE INDEX exit_intents_one_live ON exit_intents (position_id)
    WHERE status IN ('PENDING', 'APPROVED', 'PLACED')""",
)

_ORDERS = (
    """
    CREATE TABLE orders (
        id TEXT PRIMARY KEY, account_id TEXT NOT NULL, day TEXT NOT NULL, correlation_id TEXT NOT NULL,
        purpose TEXT NOT NULL, position_id BIGINT NOT NULL, intent_id BIGINT NOT NULL, instrument_key TEXT NOT NULL,
        side TEXT NOT NULL, quantity BIGINT NOT NULL CHECK (quantity > 0), order_type TEXT NOT NULL,
        limit_price_paise BIGINT NOT NULL, tag TEXT NOT NULL, created_at BIGINT NOT NULL, slice_no BIGINT NOT NULL,
        attempt BIGINT NOT NULL, send_state TEXT NOT NULL, broker_order_id TEXT NOT NULL, broker_status TEXT NOT NULL,
        filled_quantity BIGINT NOT NULL, filled_value_paise BIGINT NOT NULL, charges_paise BIGINT NOT NULL,
        reason_text TEXT NOT NULL, sent_at BIGINT, updated_at BIGINT,
        UNIQUE (account_id, day, correlation_id)
    )""",
    "CREATE INDEX orders_by_broker_id ON orders (account_id, broker_order_id)",
    "CREATE INDEX orders_by_position ON orders (position_id)",
    """
    CREATE TABLE fills (
        account_id TEXT NOT NULL, exchange_trade_id TEXT NOT NULL, order_id TEXT NOT NULL REFERENCES orders (id),
        position_id BIGINT NOT NULL, side TEXT NOT NULL, quantity BIGINT NOT NULL CHECK (quantity > 0),
        price_paise BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (account_id, exchange_trade_id)
    )""",
    "CREATE INDEX fills_by_order ON fills (order_id)",
    """
    CREATE TABLE charges (
        account_id TEXT NOT NULL, exchange_trade_id TEXT NOT NULL, order_id TEXT NOT NULL, brokerage BIGINT NOT NULL,
        stt BIGINT NOT NULL, exchange BIGINT NOT NULL, sebi BIGINT NOT NULL, stamp BIGINT NOT NULL,
        ipft BIGINT NOT NULL, gst BIGINT NOT NULL, PRIMARY KEY (account_id, exchange_trade_id),
        FOREIGN KEY (account_id, exchange_trade_id) REFERENCES fills (account_id, exchange_trade_id)
    )""",
    "CREATE INDEX charges_by_order ON charges (order_id)",
)

_POSITIONS = (
    """
    CREATE TABLE positions (
        id {id}, account_id TEXT NOT NULL, trade_intent_id BIGINT NOT NULL UNIQUE, signal_id BIGINT NOT NULL,
        index_key TEXT NOT NULL, instrument TEXT NOT NULL, side TEXT NOT NULL, direction TEXT NOT NULL,
        status TEXT NOT NULL, entry_tag TEXT NOT NULL, ordered_quantity BIGINT NOT NULL, created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL, is_paper BOOLEAN NOT NULL, orders TEXT NOT NULL, entry_price_paise BIGINT NOT NULL,
        target_paise BIGINT NOT NULL, hwm_pnl_paise BIGINT NOT NULL, profitable_since BIGINT,
        last_pnl_paise BIGINT NOT NULL, opened_at BIGINT, exited_at BIGINT, exit_reason TEXT, exit_tag TEXT NOT NULL,
        exit_text TEXT NOT NULL, cancel_reason TEXT NOT NULL, stop_paise BIGINT, stop_source TEXT, hwm_ltp_paise BIGINT,
        is_breakeven_locked BOOLEAN, instrument_key TEXT NOT NULL, quantity BIGINT NOT NULL
    )""",
    "CREATE INDEX positions_by_birth ON positions (created_at)",
    "CREATE INDEX positions_by_exit ON positions (exited_at)",
    "CREATE INDEX positions_open ON positions (id) WHERE status IN ('PENDING', 'ACTIVE')",
)

STEPS = (Step(1, "first", _DAYS_AND_ACCOUNTS + _SIGNALS + _EXITS + _ORDERS + _POSITIONS),)
