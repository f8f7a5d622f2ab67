"""What several store tests build on: every table, and values to put into them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from scalper.domain.charges import Charges
from scalper.domain.instruments import Instrument, InstrumentKind, OptionType
from scalper.domain.orders import Fill, Order, OrderPurpose, OrderSide, OrderType, order_id_of
from scalper.domain.positions import OrderTotals, Position, PositionSide, PositionStatus, Trail
from scalper.domain.reasons import ExitReason, StopSource
from scalper.domain.signals import (
    Delivery,
    DeliveryStatus,
    ExitIntent,
    ExitSignal,
    GateResult,
    IntentStatus,
    Signal,
    SignalStatus,
    TradeIntent,
)
from scalper.domain.times import IST
from scalper.store.database import Store

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

DAY = date(2026, 1, 13)
ELEVEN = datetime(2026, 1, 13, 11, 0, tzinfo=IST)
ACCOUNT = "paper"

OPTION = Instrument(
    key="NSE_FNO:45123",
    segment="NSE_FNO",
    security_id="45123",
    kind=InstrumentKind.OPTION,
    underlying="NIFTY",
    symbol="NIFTY-Jan2026-25750-CE",
    lot_size=65,
    tick_size_paise=5,
    expiry=date(2026, 1, 13),
    strike_paise=25_750_00,
    option_type=OptionType.CE,
    freeze_quantity=1800,
)

TRAIL = Trail(stop_paise=70_00, stop_source=StopSource.INITIAL, hwm_ltp_paise=100_00, is_breakeven_locked=False)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def a_signal(signal_id: int = 1, **changes: Any) -> Signal:
    signal = Signal(
        id=signal_id,
        index_key="NIFTY",
        direction="bullish",
        confluence_type="ST_ADX_1M_5M",
        day=DAY,
        effective_floor_paise=25_700_00,
        effective_ceiling_paise=25_760_00,
        candle_at=ELEVEN - timedelta(minutes=1),
        figures='{"adx":31.5}',
        status=SignalStatus.DETECTED,
        created_at=ELEVEN,
    )
    return msgspec.structs.replace(signal, **changes)


def a_delivery(delivery_id: int = 1, **changes: Any) -> Delivery:
    delivery = Delivery(
        id=delivery_id,
        signal_id=1,
        account_id=ACCOUNT,
        intent_number=delivery_id,
        status=DeliveryStatus.CREATED,
        created_at=ELEVEN,
    )
    return msgspec.structs.replace(delivery, **changes)


def a_trade_intent(intent_id: int = 1, **changes: Any) -> TradeIntent:
    intent = TradeIntent(
        id=intent_id,
        delivery_id=intent_id,
        leg_no=0,
        signal_id=1,
        account_id=ACCOUNT,
        index_key="NIFTY",
        instrument_key=OPTION.key,
        quantity=65,
        ltp_paise=100_00,
        status=IntentStatus.APPROVED,
        reason="",
        tag="entry_NIFTY_CE_25750",
        intent_number=intent_id,
        gates=(
            GateResult("session", "11:00:00", "before 15:00", True),
            GateResult("spread", "0.8 %", "at most 2 %", True),
        ),
        created_at=ELEVEN,
        updated_at=ELEVEN,
    )
    return msgspec.structs.replace(intent, **changes)


def a_position(position_id: int = 1, **changes: Any) -> Position:
    position = Position(
        id=position_id,
        account_id=ACCOUNT,
        trade_intent_id=position_id,
        signal_id=1,
        index_key="NIFTY",
        instrument=OPTION,
        side=PositionSide.LONG_CE,
        direction="bullish",
        status=PositionStatus.ACTIVE,
        entry_tag="entry_NIFTY_CE_25750",
        ordered_quantity=65,
        created_at=ELEVEN,
        updated_at=ELEVEN,
        is_paper=True,
        orders=(OrderTotals("paper/2026-01-13/entry-1", OrderSide.BUY, 65, 65, 6_500_00, 25_00, True),),
        entry_price_paise=100_00,
        target_paise=160_00,
        trail=TRAIL,
        opened_at=ELEVEN,
    )
    return msgspec.structs.replace(position, **changes)


def an_exited_position(position_id: int, net_paise: int, exited_at: datetime) -> Position:
    return a_position(
        position_id,
        status=PositionStatus.EXITED,
        last_pnl_paise=net_paise,
        created_at=exited_at - seconds(60),
        updated_at=exited_at,
        exited_at=exited_at,
        exit_reason=ExitReason.STOP_LOSS,
        exit_tag="stop_loss_30pct",
    )


def an_order(correlation_id: str = "entry-1", **changes: Any) -> Order:
    order = Order(
        id=order_id_of(ACCOUNT, DAY, correlation_id),
        account_id=ACCOUNT,
        day=DAY,
        correlation_id=correlation_id,
        purpose=OrderPurpose.ENTRY,
        position_id=1,
        intent_id=1,
        instrument_key=OPTION.key,
        side=OrderSide.BUY,
        quantity=65,
        order_type=OrderType.LIMIT,
        limit_price_paise=100_25,
        tag="entry_NIFTY_CE_25750",
        created_at=ELEVEN,
    )
    return msgspec.structs.replace(order, **changes)


def an_exit_order(correlation_id: str = "stop_loss_30pct-2", **changes: Any) -> Order:
    return an_order(correlation_id, purpose=OrderPurpose.EXIT, side=OrderSide.SELL, tag="stop_loss_30pct", **changes)


def a_fill(trade_id: str = "T1", order: Order | None = None, **changes: Any) -> Fill:
    fill = Fill(
        account_id=ACCOUNT,
        exchange_trade_id=trade_id,
        order_id=(order or an_order()).id,
        position_id=1,
        side=OrderSide.BUY,
        quantity=65,
        price_paise=100_00,
        at=ELEVEN + seconds(1),
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
    intent = ExitIntent(
        id=intent_id,
        exit_signal_id=intent_id,
        position_id=1,
        account_id=ACCOUNT,
        reason=ExitReason.STOP_LOSS,
        episode=1,
        tag="stop_loss_30pct",
        text="stop loss at 70.00, last 69.95",
        quantity=65,
        intent_number=2,
        status=IntentStatus.APPROVED,
        reject_reason="",
        attempts=0,
        created_at=ELEVEN,
        updated_at=ELEVEN,
    )
    return msgspec.structs.replace(intent, **changes)


def totals_of(order: Order, filled_quantity: int, filled_value_paise: int, charges_paise: int = 26_54) -> OrderTotals:
    is_final = filled_quantity == order.quantity
    return OrderTotals(
        order.id, order.side, order.quantity, filled_quantity, filled_value_paise, charges_paise, is_final
    )


def row_count(store: Store, table: str) -> int:
    count: int = store.rows_of_sql(f"SELECT COUNT(*) AS count FROM {table}")[0]["count"]
    return count
