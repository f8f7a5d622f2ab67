"""What several store tests build on: every table, and values to put into them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from scalper.domain.charges import Charges
from scalper.domain.orders import Fill, Order, OrderSide
from scalper.domain.positions import OrderTotals, Position, PositionStatus
from scalper.domain.reasons import ExitReason
from scalper.domain.signals import ExitIntent, ExitSignal, GateResult, Signal, SignalStatus, TradeIntent
from scalper.store.database import Store
from tests import builders
from tests.builders import ACCOUNT, ELEVEN, LOT, an_intent, an_order, later

#: Children before their parents, so that rows can be deleted in this order.
TABLES = (
    "charges",
    "fills",
    "orders",
    "exit_intents",
    "exit_signals",
    "gate_results",
    "trade_intents",
    "signal_deliveries",
    "signals",
    "positions",
    "carried_results",
    "circuit_events",
    "daily_balances",
    "days",
    "settings",
    "accounts",
)


def a_signal(signal_id: int = 1, **changes: Any) -> Signal:
    """A signal that is not published yet."""
    told: dict[str, Any] = {"status": SignalStatus.DETECTED, "figures": '{"adx":31.5}'}
    return builders.a_signal(signal_id, **(told | changes))


def a_trade_intent(intent_id: int = 1, **changes: Any) -> TradeIntent:
    """An approved intent that passed two gates."""
    gates = (
        GateResult("session", "11:00:00", "before 15:00", True),
        GateResult("spread", "0.8 %", "at most 2 %", True),
    )
    return an_intent(intent_id, **({"gates": gates} | changes))


def an_exited_position(position_id: int, net_paise: int, exited_at: datetime) -> Position:
    return builders.a_position(
        position_id,
        status=PositionStatus.EXITED,
        last_pnl_paise=net_paise,
        created_at=later(-60, exited_at),
        updated_at=exited_at,
        exited_at=exited_at,
        exit_reason=ExitReason.STOP_LOSS,
        exit_tag="stop_loss_30pct",
    )


def a_fill(trade_id: str = "T1", order: Order | None = None, **changes: Any) -> Fill:
    fill = Fill(
        account_id=ACCOUNT,
        exchange_trade_id=trade_id,
        order_id=(order or an_order()).id,
        position_id=1,
        side=OrderSide.BUY,
        quantity=LOT,
        price_paise=100_00,
        at=later(1),
        charges=Charges(brokerage=20_00, exchange=2_31, sebi=1, stamp=20, gst=4_02),
    )
    return msgspec.structs.replace(fill, **changes)


def an_exit_signal(signal_id: int = 1, **changes: Any) -> ExitSignal:
    signal = ExitSignal(
        id=signal_id,
        position_id=1,
        reason=ExitReason.STOP_LOSS,
        episode=1,
        ltp_paise=69_95,
        evidence='{"stop_paise":7000}',
        status=SignalStatus.DETECTED,
        detected_at=ELEVEN,
    )
    return msgspec.structs.replace(signal, **changes)


def an_exit_intent(intent_id: int = 1, **changes: Any) -> ExitIntent:
    """An approved intent that nobody has tried to carry out yet."""
    return builders.an_exit_intent(intent_id, **({"attempts": 0} | changes))


def totals_of(order: Order, filled_quantity: int, filled_value_paise: int, charges_paise: int = 26_54) -> OrderTotals:
    is_final = filled_quantity == order.quantity
    return OrderTotals(
        order.id, order.side, order.quantity, filled_quantity, filled_value_paise, charges_paise, is_final
    )


def row_count(store: Store, table: str) -> int:
    count: int = store.rows_of_sql(f"SELECT COUNT(*) AS count FROM {table}")[0]["count"]
    return count
