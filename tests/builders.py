"""Small values for tests, each complete by itself and changed by keyword."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

import msgspec

from scalper.actors.messages.exits import ExitCandidate
from scalper.actors.messages.orders import OrderReport
from scalper.actors.messages.signals import DirectionFound, Pick, StrikesPicked
from scalper.domain.booking import BookingRules
from scalper.domain.calendar import SessionTimes
from scalper.domain.charges import ChargeTable
from scalper.domain.direction import Direction, ReadingStatus, TimeframeReading
from scalper.domain.instruments import Instrument, InstrumentKind, OptionType, option_symbol
from scalper.domain.orders import BrokerTrade, Order, OrderPurpose, OrderSide, OrderType, order_id_of
from scalper.domain.positions import OrderTotals, Position, PositionSide, PositionStatus, Trail, Wallet
from scalper.domain.quotes import MINUTE_US, Candle, Tick
from scalper.domain.reasons import ExitReason, StopSource
from scalper.domain.rules import ExitRules
from scalper.domain.signals import (
    Delivery,
    DeliveryStatus,
    ExitIntent,
    IntentStatus,
    Signal,
    SignalStatus,
    TradeIntent,
)
from scalper.domain.times import ist, us_from
from scalper.reference import shipped_charges

DAY = date(2026, 1, 13)
ACCOUNT = "paper"
INDEX_KEY = "IDX_I:13"
OPTION_KEY = "NSE_FNO:45123"
LOT = 65

SESSION = SessionTimes(
    opens_at=ist(DAY, time(9, 15)),
    entries_from=ist(DAY, time(9, 20)),
    no_new_entries_at=ist(DAY, time(15, 0)),
    session_end_at=ist(DAY, time(15, 15)),
    time_exit_at=ist(DAY, time(15, 20)),
    closes_at=ist(DAY, time(15, 30)),
)
BOOKING = BookingRules(exits=ExitRules(), is_market_style=False, cushion_ticks=2, correlation_chars_max=25)


def clock(text: str) -> datetime:
    """`11:00`, `11:00:00` or `11:00:00.250` of the day on which all of this happens."""
    return ist(DAY, time.fromisoformat(text))


ELEVEN = clock("11:00:00")


def later(seconds: float, at: datetime = ELEVEN) -> datetime:
    return at + timedelta(seconds=seconds)


@cache
def charges() -> ChargeTable:
    """The table that ships."""
    return shipped_charges()


def an_instrument(**changes: Any) -> Instrument:
    """A NIFTY call, 65 units a lot, frozen at 1800."""
    instrument = Instrument(
        key=OPTION_KEY,
        segment="NSE_FNO",
        security_id="45123",
        kind=InstrumentKind.OPTION,
        underlying="NIFTY",
        symbol=option_symbol("NIFTY", DAY, 25_750_00, OptionType.CE),
        lot_size=LOT,
        tick_size_paise=5,
        expiry=DAY,
        strike_paise=25_750_00,
        option_type=OptionType.CE,
        freeze_quantity=1800,
    )
    return msgspec.structs.replace(instrument, **changes)


def an_option(strike_paise: int, option_type: OptionType = OptionType.CE, **changes: Any) -> Instrument:
    """A contract of another strike; its key follows from strike and type."""
    security_id = f"{strike_paise // 100}{1 if option_type is OptionType.CE else 2}"
    return an_instrument(
        key=f"NSE_FNO:{security_id}",
        security_id=security_id,
        symbol=option_symbol("NIFTY", DAY, strike_paise, option_type),
        strike_paise=strike_paise,
        option_type=option_type,
        **changes,
    )


def a_tick(ltp_paise: int = 100_00, at: datetime = ELEVEN, **changes: Any) -> Tick:
    """A trade with a quote one tick either side of it, twenty lots shown."""
    tick = Tick(
        key=OPTION_KEY,
        at_us=us_from(at),
        ltp_paise=ltp_paise,
        bid_paise=ltp_paise - 5,
        ask_paise=ltp_paise + 5,
        bid_quantity=20 * LOT,
        ask_quantity=20 * LOT,
    )
    return msgspec.structs.replace(tick, **changes)


def an_index_tick(ltp_paise: int = 25_750_00, at: datetime = ELEVEN, key: str = INDEX_KEY) -> Tick:
    return Tick(key, us_from(at), ltp_paise)


def a_candle(at: datetime, close_paise: int, **changes: Any) -> Candle:
    """A minute that begins at `at` and closes at its high."""
    candle = Candle(us_from(at), close_paise - 500, close_paise, close_paise - 1000, close_paise)
    return msgspec.structs.replace(candle, **changes)


def candles_from(at: datetime, closes_paise: list[int]) -> tuple[Candle, ...]:
    """One minute after the other; each opens where the one before closed."""
    candles, before = [], closes_paise[0]
    for place, close in enumerate(closes_paise):
        start_us = us_from(at) + place * MINUTE_US
        candles.append(Candle(start_us, before, max(before, close) + 200, min(before, close) - 200, close))
        before = close
    return tuple(candles)


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
        figures="{}",
        status=SignalStatus.PUBLISHED,
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


def an_intent(intent_id: int = 1, **changes: Any) -> TradeIntent:
    """An approved intent to buy one lot."""
    intent = TradeIntent(
        id=intent_id,
        delivery_id=intent_id,
        leg_no=0,
        signal_id=1,
        account_id=ACCOUNT,
        index_key="NIFTY",
        instrument_key=OPTION_KEY,
        quantity=LOT,
        ltp_paise=100_00,
        status=IntentStatus.APPROVED,
        reason="",
        tag="entry_NIFTY_CE_25750",
        intent_number=intent_id,
        gates=(),
        created_at=ELEVEN,
        updated_at=ELEVEN,
    )
    return msgspec.structs.replace(intent, **changes)


def a_trail(stop_paise: int = 70_00, hwm_ltp_paise: int = 100_00, **changes: Any) -> Trail:
    trail = Trail(
        stop_paise=stop_paise,
        stop_source=StopSource.INITIAL,
        hwm_ltp_paise=hwm_ltp_paise,
        is_breakeven_locked=False,
    )
    return msgspec.structs.replace(trail, **changes)


def bought(
    quantity: int = LOT, price_paise: int = 100_00, *, charges_paise: int = 25_00, **changes: Any
) -> OrderTotals:
    """An entry order that is filled to its last unit."""
    totals = OrderTotals(
        an_order().id, OrderSide.BUY, quantity, quantity, quantity * price_paise, charges_paise, is_final=True
    )
    return msgspec.structs.replace(totals, **changes)


def a_position(position_id: int = 1, *, quantity: int = LOT, entry_paise: int = 100_00, **changes: Any) -> Position:
    """An active position with a stop of 30 % and a target of 60 %."""
    position = Position(
        id=position_id,
        account_id=ACCOUNT,
        trade_intent_id=position_id,
        signal_id=1,
        index_key="NIFTY",
        instrument=an_instrument(),
        side=PositionSide.LONG_CE,
        direction="bullish",
        status=PositionStatus.ACTIVE,
        entry_tag="entry_NIFTY_CE_25750",
        ordered_quantity=quantity,
        created_at=ELEVEN,
        updated_at=ELEVEN,
        is_paper=True,
        orders=(bought(quantity, entry_paise),),
        entry_price_paise=entry_paise,
        target_paise=entry_paise * 160 // 100,
        trail=a_trail(entry_paise * 70 // 100, entry_paise),
        opened_at=ELEVEN,
    )
    return msgspec.structs.replace(position, **changes)


def a_pending_position(position_id: int = 1, **changes: Any) -> Position:
    unfilled = OrderTotals(an_order().id, OrderSide.BUY, LOT, 0, 0, 0, is_final=False)
    told: dict[str, Any] = {"status": PositionStatus.PENDING, "orders": (unfilled,), "trail": None, "opened_at": None}
    prices: dict[str, Any] = {"entry_price_paise": 0, "target_paise": 0}
    return a_position(position_id, **(prices | told | changes))


def a_closed_position(position_id: int = 1, *, net_paise: int = -500_00, **changes: Any) -> Position:
    """Bought and sold to the last unit, with this result after charges."""
    entry = bought(charges_paise=0)
    sale = OrderTotals(an_exit_order().id, OrderSide.SELL, LOT, LOT, LOT * 100_00 + net_paise, 0, is_final=True)
    told: dict[str, Any] = {
        "status": PositionStatus.EXITED,
        "orders": (entry, sale),
        "exited_at": ELEVEN,
        "last_pnl_paise": net_paise,
    }
    return a_position(position_id, **(told | changes))


def an_order(correlation_id: str = "entry_NIFTY_CE_25750-1", **changes: Any) -> Order:
    """A limit order to buy one lot at 100.15."""
    order = Order(
        id=order_id_of(ACCOUNT, DAY, correlation_id),
        account_id=ACCOUNT,
        day=DAY,
        correlation_id=correlation_id,
        purpose=OrderPurpose.ENTRY,
        position_id=1,
        intent_id=1,
        instrument_key=OPTION_KEY,
        side=OrderSide.BUY,
        quantity=LOT,
        order_type=OrderType.LIMIT,
        limit_price_paise=100_15,
        tag="entry_NIFTY_CE_25750",
        created_at=ELEVEN,
    )
    return msgspec.structs.replace(order, **changes)


def an_exit_order(correlation_id: str = "stop_loss_30pct-2", **changes: Any) -> Order:
    """A limit order to sell one lot at 69.80."""
    told: dict[str, Any] = {"purpose": OrderPurpose.EXIT, "side": OrderSide.SELL, "tag": "stop_loss_30pct"}
    return an_order(correlation_id, **({"limit_price_paise": 69_80} | told | changes))


def an_exit_intent(intent_id: int = 1, **changes: Any) -> ExitIntent:
    intent = ExitIntent(
        id=intent_id,
        exit_signal_id=intent_id,
        position_id=1,
        account_id=ACCOUNT,
        reason=ExitReason.STOP_LOSS,
        episode=1,
        tag="stop_loss_30pct",
        text="SL HIT -30.00%",
        quantity=LOT,
        intent_number=2,
        status=IntentStatus.APPROVED,
        reject_reason="",
        attempts=1,
        created_at=ELEVEN,
        updated_at=ELEVEN,
    )
    return msgspec.structs.replace(intent, **changes)


def a_candidate(at: datetime = ELEVEN, **changes: Any) -> ExitCandidate:
    """RiskManager's claim that one lot met its stop loss."""
    candidate = ExitCandidate(
        at=at,
        position_id=1,
        account_id=ACCOUNT,
        instrument=an_instrument(),
        reason=ExitReason.STOP_LOSS,
        tag="stop_loss_30pct",
        text="SL HIT -30.00%",
        quantity=LOT,
        ltp_paise=70_00,
        bid_paise=69_90,
        trigger_paise=70_00,
        stop_paise=70_00,
        tick_at_us=us_from(at),
        verdicts=(),
    )
    return msgspec.structs.replace(candidate, **changes)


def a_trade(number: int, quantity: int = LOT, price_paise: int = 100_00, at: datetime = ELEVEN) -> BrokerTrade:
    return BrokerTrade(f"T{number}", quantity, price_paise, us_from(at))


def a_report(
    kind: type[OrderReport],
    order: Order,
    filled: int = 0,
    price_paise: int = 100_00,
    at: datetime = ELEVEN,
    **changes: Any,
) -> OrderReport:
    """What OrderUpdateHandler would say of an order of which so much is filled, at 20 rupees of charges."""
    told: dict[str, Any] = {"is_final": filled == order.quantity} | changes
    return kind(
        at=at,
        order_id=order.id,
        position_id=order.position_id,
        intent_id=order.intent_id,
        purpose=order.purpose,
        side=order.side,
        quantity=order.quantity,
        filled_quantity=filled,
        filled_value_paise=filled * price_paise,
        charges_paise=20_00 if filled else 0,
        tag=order.tag,
        **told,
    )


def a_reading(direction: Direction = Direction.BULLISH, **changes: Any) -> TimeframeReading:
    reading = TimeframeReading(
        interval_minutes=1,
        candle_start_us=us_from(ELEVEN) - MINUTE_US,
        status=ReadingStatus.OK,
        direction=direction,
        reason=None,
        supertrend_paise=25_700_00,
        adx=30.0,
    )
    return msgspec.structs.replace(reading, **changes)


def a_direction(at: datetime = ELEVEN, **changes: Any) -> DirectionFound:
    found = DirectionFound(
        at=at,
        index_key="NIFTY",
        direction=Direction.BULLISH,
        candle_at=at - timedelta(minutes=1),
        close_paise=25_760_00,
        confluence_type="ST_ADX_1M_5M",
        primary=a_reading(),
        confirmation=a_reading(interval_minutes=5),
    )
    return msgspec.structs.replace(found, **changes)


def picked(at: datetime = ELEVEN, **changes: Any) -> StrikesPicked:
    """StrikeSelector's answer to `a_direction`: the money call at 100 rupees."""
    message = StrikesPicked(at=at, found=a_direction(at), picks=(Pick(instrument=an_instrument(), ltp_paise=100_00),))
    return msgspec.structs.replace(message, **changes)


def a_wallet(cash_paise: int = 100_000_00, realised_today_paise: int = 0) -> Wallet:
    return Wallet(
        account_id=ACCOUNT,
        cash_paise=cash_paise,
        equity_at_cost_paise=cash_paise,
        realised_today_paise=realised_today_paise,
    )
