"""The paper broker: fills from bid and ask after a stated latency, never from the last price.

It lives in this process and moves on market time alone, so equal ticks give equal fills. What does not reach the
other side rests; what is larger than the size shown is filled in parts; no quote, or one too old, fills nothing.
Source: REQUIREMENTS 13.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from scalper.broker.ports import BookEntry, OrderSeen, PlaceOutcome
from scalper.domain.calendar import SessionTimes
from scalper.domain.instruments import Instrument
from scalper.domain.orders import FINAL_STATUSES, BrokerStatus, BrokerTrade, Order, OrderSide, OrderType, SendState
from scalper.domain.quotes import Tick
from scalper.domain.times import us_from

#: Says why an order is refused at the door; empty when it is not.
Check = Callable[[Order, datetime], str]


class PaperRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the paper exchange behaves.

    Attributes:
        latency_ms: Market time between an order, change or cancel and its effect.
        slippage_ticks: Ticks by which every fill is worse than the quote.
        size_lots_max: Size of a side that shows a price and no size, and the most a side ever fills.
        quote_age_s_max: An older quote fills nothing.
    """

    latency_ms: int = 150
    slippage_ticks: int = 0
    size_lots_max: int = 20
    quote_age_s_max: int = 10


class _Working(msgspec.Struct):
    """One order in the book; times in market microseconds, 0 = nothing pending.

    Attributes:
        live_from_us: Since when it can be filled under its present limit.
        changes: (from when, new limit) of what was asked and has no effect yet, oldest first.
    """

    order: Order
    broker_order_id: str
    status: BrokerStatus
    limit_paise: int
    live_from_us: int
    filled: int = 0
    is_matched_since_live: bool = False
    changes: list[tuple[int, int]] = []
    cancelled_from_us: int = 0
    trades: list[BrokerTrade] = []


class _Side(msgspec.Struct):
    """What is left of one side of the newest quote of a security."""

    price_paise: int
    left: int


class PaperBroker:
    """One paper account's exchange."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        session: SessionTimes,
        rules: PaperRules,
        *,
        check: Check = lambda order, at: "",
    ) -> None:
        self._instruments = instruments
        self._session = session
        self._rules = rules
        self._check = check
        self._latency_us = rules.latency_ms * 1000
        self._book: dict[str, _Working] = {}
        # The orders that have not ended, oldest first: all that a price can concern.
        self._resting: list[_Working] = []
        self._quotes: dict[str, Tick] = {}
        self._sides: dict[tuple[str, OrderSide], _Side] = {}
        self._seen: list[OrderSeen] = []

    def place(self, order: Order, at: datetime) -> PlaceOutcome:
        refusal = self._refusal(order, at)
        if refusal:
            return PlaceOutcome(state=SendState.REJECTED, text=refusal)
        if order.id not in self._book:
            self._rest(order, us_from(at) + self._latency_us)
        return PlaceOutcome(state=SendState.ACCEPTED, broker_order_id=self._book[order.id].broker_order_id)

    def modify(self, order: Order, limit_price_paise: int, at: datetime) -> bool:
        working = self._alive(order)
        if working is None or working.cancelled_from_us:
            return False
        working.changes.append((us_from(at) + self._latency_us, limit_price_paise))
        return True

    def cancel(self, order: Order, at: datetime) -> bool:
        working = self._alive(order)
        if working is None:
            return False
        # Asked for again, it is still the first one that is on its way.
        working.cancelled_from_us = working.cancelled_from_us or us_from(at) + self._latency_us
        return True

    def look_up(self, order: Order, at: datetime) -> BookEntry | None:
        working = self._book.get(order.id)
        if working is None:
            return None
        return BookEntry(broker_order_id=working.broker_order_id, status=working.status)

    def book(self, at: datetime) -> Sequence[OrderSeen]:
        return [_seen(working, tuple(working.trades)) for working in self._book.values()]

    def restore(self, orders: Sequence[Order], at: datetime) -> None:
        for order in orders:
            if order.id not in self._book:
                self._rest(order, us_from(order.created_at) + self._latency_us)
                self._book[order.id].filled = order.filled_quantity

    def seen(self, at: datetime, ticks: Sequence[Tick]) -> Sequence[OrderSeen]:
        for tick in ticks:
            self._take_quote(tick)
        self._move_on(us_from(at))
        seen, self._seen = self._seen, []
        return seen

    def _refusal(self, order: Order, at: datetime) -> str:
        instrument = self._instruments.get(order.instrument_key)
        if instrument is None:
            return f"unknown security {order.instrument_key}"
        if not self._session.opens_at <= at < self._session.closes_at:
            return "market is closed"
        if order.quantity <= 0 or order.quantity % instrument.lot_size:
            return f"quantity {order.quantity} is not a multiple of the lot {instrument.lot_size}"
        if instrument.freeze_quantity and order.quantity > instrument.freeze_quantity:
            return f"quantity {order.quantity} is above the freeze quantity {instrument.freeze_quantity}"
        if order.order_type is OrderType.LIMIT and (
            order.limit_price_paise <= 0 or order.limit_price_paise % instrument.tick_size_paise
        ):
            return f"limit {order.limit_price_paise} paise is not on the tick {instrument.tick_size_paise}"
        return self._check(order, at)

    def _rest(self, order: Order, live_from_us: int) -> None:
        working = _Working(
            order=order,
            broker_order_id=f"P{order.day:%y%m%d}-{order.correlation_id}",
            status=BrokerStatus.PENDING,
            limit_paise=order.limit_price_paise,
            live_from_us=live_from_us,
        )
        self._book[order.id] = working
        self._resting.append(working)

    def _alive(self, order: Order) -> _Working | None:
        working = self._book.get(order.id)
        return working if working is not None and working.status not in FINAL_STATUSES else None

    def _take_quote(self, tick: Tick) -> None:
        """What was due before this tick met the quote that stood; then the new one stands."""
        known = self._quotes.get(tick.key)
        if known is not None and tick.at_us < known.at_us:
            return
        self._move_on(tick.at_us - 1, tick.key)
        self._quotes[tick.key] = tick
        self._sides.pop((tick.key, OrderSide.BUY), None)
        self._sides.pop((tick.key, OrderSide.SELL), None)
        for working in self._working(tick.key):
            if working.live_from_us <= tick.at_us:
                self._match(working, tick.at_us)

    def _move_on(self, now_us: int, key: str | None = None) -> None:
        for working in self._working(key):
            while working.changes and working.changes[0][0] <= now_us:
                working.live_from_us, working.limit_paise = working.changes.pop(0)
                working.is_matched_since_live = False
            if not working.is_matched_since_live and working.live_from_us <= now_us:
                self._match(working, max(working.live_from_us, self._quote_at_us(working)))
            if working.cancelled_from_us and working.cancelled_from_us <= now_us:
                self._end(working, BrokerStatus.CANCELLED)
            elif now_us >= us_from(self._session.closes_at):
                self._end(working, BrokerStatus.EXPIRED)

    def _working(self, key: str | None) -> list[_Working]:
        if not self._resting:
            return []
        self._resting = [working for working in self._resting if working.status not in FINAL_STATUSES]
        return [working for working in self._resting if key is None or working.order.instrument_key == key]

    def _quote_at_us(self, working: _Working) -> int:
        quote = self._quotes.get(working.order.instrument_key)
        return quote.at_us if quote is not None else 0

    def _match(self, working: _Working, now_us: int) -> None:
        """Fill what the standing quote reaches, up to the size that is left of it."""
        side = self._side(working.order, now_us)
        if side is None:
            return
        working.is_matched_since_live = True
        price = self._fill_price(working.order, side.price_paise)
        if working.status in FINAL_STATUSES or not self._reaches(working, price):
            return
        quantity = min(working.order.quantity - working.filled, side.left)
        quantity -= quantity % self._instruments[working.order.instrument_key].lot_size
        if quantity > 0:
            side.left -= quantity
            self._fill(working, quantity, price, now_us)

    def _side(self, order: Order, now_us: int) -> _Side | None:
        quote = self._quotes.get(order.instrument_key)
        if quote is None or now_us - quote.at_us > self._rules.quote_age_s_max * 1_000_000:
            return None
        is_buy = order.side is OrderSide.BUY
        price = quote.ask_paise if is_buy else quote.bid_paise
        if price <= 0:
            return None
        shown = quote.ask_quantity if is_buy else quote.bid_quantity
        cap = self._rules.size_lots_max * self._instruments[order.instrument_key].lot_size
        return self._sides.setdefault(
            (order.instrument_key, order.side), _Side(price, min(shown, cap) if shown > 0 else cap)
        )

    def _fill_price(self, order: Order, quoted_paise: int) -> int:
        tick_size = self._instruments[order.instrument_key].tick_size_paise
        slippage = self._rules.slippage_ticks * tick_size
        return quoted_paise + slippage if order.side is OrderSide.BUY else max(quoted_paise - slippage, tick_size)

    def _reaches(self, working: _Working, price_paise: int) -> bool:
        if working.order.order_type is OrderType.MARKET:
            return True
        if working.order.side is OrderSide.BUY:
            return price_paise <= working.limit_paise
        return price_paise >= working.limit_paise

    def _fill(self, working: _Working, quantity: int, price_paise: int, now_us: int) -> None:
        working.filled += quantity
        is_done = working.filled >= working.order.quantity
        working.status = BrokerStatus.TRADED if is_done else BrokerStatus.PART_TRADED
        # The cumulative quantity in the id makes a fill that is told again after a restart the same trade.
        trade = BrokerTrade(f"{working.broker_order_id}.{working.filled}", quantity, price_paise, now_us)
        working.trades.append(trade)
        self._seen.append(_seen(working, (trade,)))

    def _end(self, working: _Working, status: BrokerStatus) -> None:
        if working.status not in FINAL_STATUSES:
            working.status = status
            self._seen.append(_seen(working, ()))


def _seen(working: _Working, trades: tuple[BrokerTrade, ...]) -> OrderSeen:
    return OrderSeen(
        order_id=working.order.id,
        broker_order_id=working.broker_order_id,
        status=working.status,
        filled_quantity=working.filled,
        trades=trades,
    )
