"""Every table and the Struct of its rows; the columns themselves are laid down in `schema`."""

from __future__ import annotations

from typing import Any

from scalper.domain.charges import Charges
from scalper.domain.orders import Fill, Order
from scalper.domain.positions import Position, Trail
from scalper.domain.signals import Delivery, ExitIntent, ExitSignal, GateResult, Signal, TradeIntent
from scalper.store.records import Account, CarriedResult, CircuitTrip, Day, Setting, StartingBalance
from scalper.store.rows import Rows

ACCOUNTS = Rows("accounts", Account)
SETTINGS = Rows("settings", Setting, order=("key",))
DAYS = Rows("days", Day, order=("day",))
DAILY_BALANCES = Rows("daily_balances", StartingBalance, order=("day", "account_id"))
CIRCUIT_EVENTS = Rows("circuit_events", CircuitTrip, order=("at", "account_id", "reason"))
CARRIED_RESULTS = Rows("carried_results", CarriedResult, order=("account_id",))

SIGNALS = Rows("signals", Signal)
SIGNAL_DELIVERIES = Rows("signal_deliveries", Delivery)
EXIT_SIGNALS = Rows("exit_signals", ExitSignal)
EXIT_INTENTS = Rows("exit_intents", ExitIntent)

TRADE_INTENTS = Rows("trade_intents", TradeIntent, apart=("gates",))
#: `place` is the place of the gate in the list of its intent, from 0.
GATE_RESULTS = Rows("gate_results", GateResult, beside=("intent_id", "place"), order=("intent_id", "place"))

ORDERS = Rows("orders", Order, order=("created_at", "intent_id", "slice_no", "attempt", "id"))
FILLS = Rows("fills", Fill, apart=("charges",), order=("at", "account_id", "exchange_trade_id"))
CHARGES = Rows(
    "charges",
    Charges,
    beside=("account_id", "exchange_trade_id", "order_id"),
    order=("account_id", "exchange_trade_id"),
)

#: `instrument_key` and `quantity` repeat what the row says elsewhere, for people who query it.
POSITIONS = Rows("positions", Position, inline={"trail": Trail}, beside=("instrument_key", "quantity"))

#: Every table of rows, each after those it refers to.
ALL_TABLES: tuple[Rows[Any], ...] = (
    ACCOUNTS,
    SETTINGS,
    DAYS,
    DAILY_BALANCES,
    CIRCUIT_EVENTS,
    CARRIED_RESULTS,
    SIGNALS,
    SIGNAL_DELIVERIES,
    TRADE_INTENTS,
    GATE_RESULTS,
    POSITIONS,
    EXIT_SIGNALS,
    EXIT_INTENTS,
    ORDERS,
    FILLS,
    CHARGES,
)
