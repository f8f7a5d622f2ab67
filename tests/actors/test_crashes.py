"""Whatever actor fails at whatever letter: nothing is sold twice, nothing is held after the time exit.

The whole tree plays the same twenty-odd minutes of the built-in market once without a failure and then once for every
seed, each time with other actors failing at other letters.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache

import msgspec
import pytest

from scalper.actors.messages.feed import FeedFrame, HeldTicks, IndexTicks, Ticks
from scalper.actors.messages.positions import PositionMarked, PositionTrailed
from scalper.app import Ports, child_specs
from scalper.config import Config
from scalper.config.load import load_config
from scalper.desk import Desk, desk_of
from scalper.domain.calendar import SessionTimes
from scalper.domain.instruments import Instrument, InstrumentKind
from scalper.domain.orders import Order, OrderSide
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.quotes import Candle, Tick
from scalper.markets import PlayedData, builtin_market
from scalper.player import PlayedFeed, slots
from scalper.reference import shipped_calendar, shipped_charges
from scalper.runtime.heartbeat import Pulse
from scalper.runtime.stepper import Stepper
from scalper.runtime.switchboard import Switchboard
from scalper.store.database import Store
from scalper.store.orders import OrderRepository
from scalper.store.positions import PositionRepository
from scalper.store.signals import SignalRepository
from tests.actors.harness import Record, a_cache, a_store

MARKET_SEED = 1
MINUTE = timedelta(minutes=1)


class SlicedMarket:
    """Some minutes of one index of a market, with the contracts around its value; kept in memory for every run."""

    def __init__(self, begins: str, minutes: int) -> None:
        whole = builtin_market(MARKET_SEED, shipped_calendar())
        self.kind, self.name, self.seed, self.day = "builtin", "slice", MARKET_SEED, whole.day
        self.warnings: tuple[str, ...] = ()
        self.opens_at = whole.opens_at
        self.begins_at = datetime.fromisoformat(f"{whole.day}T{begins}").replace(tzinfo=whole.opens_at.tzinfo)
        self.closes_at = self.begins_at + minutes * MINUTE
        self.instruments = _near_the_money(whole.instruments, whole.candles("IDX_I:13", self.begins_at)[-1].close_paise)
        self._whole = whole
        self._keys = frozenset(one.key for one in self.instruments)
        self._minutes: dict[datetime, tuple[Tick, ...]] = {}

    def ticks(self, minute: datetime) -> tuple[Tick, ...]:
        if minute not in self._minutes:
            self._minutes[minute] = tuple(tick for tick in self._whole.ticks(minute) if tick.key in self._keys)
        return self._minutes[minute]

    def warm_up(self, key: str) -> tuple[Candle, ...]:
        return self._whole.warm_up(key)

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        return self._whole.candles(key, until)

    def quote(self, key: str, at: datetime) -> Tick | None:
        return self._whole.quote(key, at)

    def close(self) -> None:
        self._whole.close()


def _near_the_money(instruments: tuple[Instrument, ...], spot_paise: int) -> tuple[Instrument, ...]:
    def is_near(one: Instrument) -> bool:
        if one.underlying != "NIFTY":
            return False
        return one.kind is InstrumentKind.INDEX or abs((one.strike_paise or 0) - spot_paise) <= 200_00

    return tuple(one for one in instruments if is_near(one))


class Outcome(msgspec.Struct):
    """What one run left behind."""

    store: Store
    record: Record
    placed: list[str]
    crashes: list[str]


@cache
def the_market() -> SlicedMarket:
    return SlicedMarket("14:00", 22)


@cache
def the_desk() -> Desk:
    market = the_market()
    return desk_of(the_config(), the_session(market), market.day, market.instruments)


def the_config() -> Config:
    """Trails close by and pauses short, so that a few minutes hold many exits."""
    return load_config(None, CONFIG, {})


CONFIG = (
    "risk.sl_pct=0.02",
    "risk.tp_pct=0.03",
    "indices={NIFTY: {cooldown_sec: 0, trade_limits: {max_trades_per_day: 20}}}",
    "paper.max_size_lots=1",
)


def the_session(market: SlicedMarket) -> SessionTimes:
    """Entries until six, session end five, time exit four minutes before the close."""
    end = market.closes_at
    return SessionTimes(
        opens_at=market.opens_at,
        entries_from=market.opens_at,
        no_new_entries_at=end - 6 * MINUTE,
        session_end_at=end - 5 * MINUTE,
        time_exit_at=end - 4 * MINUTE,
        closes_at=end,
    )


def play(crash_after: dict[str, int]) -> Outcome:
    """The slice played to its close on the Stepper."""
    desk, market, store, record = the_desk(), the_market(), a_store(), Record()
    placed: list[str] = []
    crashes: list[str] = []
    feed = PlayedFeed()

    def check(order: Order, at: datetime) -> str:
        placed.append(order.id)
        return ""

    ports = Ports(
        store=store,
        cache=a_cache(),
        feed=feed,
        source=PlayedData(market),
        charges=shipped_charges(),
        paper_check=check,
    )
    stepper = Stepper(
        Switchboard(record),
        child_specs(desk, ports),
        at=market.begins_at,
        on_crash=lambda name, seq, text: crashes.append(name),
        crash_after=crash_after,
    )
    stepper.start()
    stepper.settle()
    for at, ticks in slots(market, market.begins_at):
        if ticks:
            stepper.tell("feed", FeedFrame(at=at, ticks=ticks))
            stepper.settle()
        stepper.tell("heartbeat", Pulse(at=at))
        stepper.settle()
    stepper.settle(fail_fast=True)
    stepper.stop()
    return Outcome(store, record, placed, crashes)


#: Most letters are prices and pulses; a failure there is soon repaired, so most failures are laid elsewhere.
DULL = (FeedFrame, Ticks, HeldTicks, IndexTicks, Pulse, PositionMarked, PositionTrailed)


@cache
def uninterrupted() -> Outcome:
    return play({})


def failures_of(seed: int) -> dict[str, int]:
    """Two actors, and after how many letters each of them fails."""
    chance = random.Random(seed)
    handled: dict[str, list[bool]] = {}
    for letter, to in uninterrupted().record.letters:
        for name in to:
            handled.setdefault(name, []).append(isinstance(letter.message, DULL))
    chosen = {}
    for name in chance.sample(sorted(handled), 2):
        telling = [place for place, is_dull in enumerate(handled[name]) if not is_dull]
        anywhere = chance.random() < 0.25 or not telling
        chosen[name] = chance.randrange(len(handled[name])) if anywhere else chance.choice(telling)
    return chosen


def assert_all_is_right(outcome: Outcome) -> None:
    store, day = outcome.store, the_market().day
    orders = OrderRepository(store).of_day("paper", day)
    assert len(outcome.placed) == len(set(outcome.placed)), "an order was sent twice"
    for position in PositionRepository(store).of_day(day):
        mine = [order for order in orders if order.position_id == position.id]
        assert not position.is_open, f"position {position.id} is held after the close"
        assert {order.id for order in mine} >= {totals.order_id for totals in position.orders}
        assert_money_adds_up(position, mine)
        assert_never_below_zero(store, mine)
    assert all(order.is_final for order in orders)
    assert all(order.filled_quantity <= order.quantity for order in orders)
    assert SignalRepository(store).live_exit_intents() == ()
    assert_one_exit_at_a_time(store, day)


def assert_money_adds_up(position: Position, orders: list[Order]) -> None:
    sold = sum(order.filled_value_paise for order in orders if order.side is OrderSide.SELL)
    spent = sum(order.filled_value_paise for order in orders if order.side is OrderSide.BUY)
    costs = sum(order.charges_paise for order in orders)
    assert position.quantity == 0
    assert position.net_paise == sold - spent - costs
    assert position.status is PositionStatus.CANCELLED or position.last_pnl_paise == position.net_paise


def assert_never_below_zero(store: Store, orders: list[Order]) -> None:
    fills = OrderRepository(store).fills_of([order.id for order in orders])
    held = 0
    for fill in sorted(fills, key=lambda one: (one.at, one.side is OrderSide.SELL)):
        held += fill.quantity if fill.side is OrderSide.BUY else -fill.quantity
        assert held >= 0, f"position {fill.position_id} was sold below zero at {fill.at}"
    assert held == 0


def assert_one_exit_at_a_time(store: Store, day: date) -> None:
    ended: dict[int, datetime] = {}
    for intent in SignalRepository(store).exit_intents_of_day(day):
        assert intent.created_at >= ended.get(intent.position_id, intent.created_at)
        ended[intent.position_id] = intent.updated_at


def test_without_a_failure_positions_are_bought_and_sold() -> None:
    outcome = uninterrupted()

    positions = PositionRepository(outcome.store).of_day(the_market().day)
    tags = Counter(position.exit_tag for position in positions)
    assert sum(position.status is PositionStatus.EXITED for position in positions) >= 3
    assert len(tags) >= 2
    assert_all_is_right(outcome)


@pytest.mark.parametrize("seed", range(20))
def test_whoever_fails_wherever_all_is_sold_once_and_nothing_is_held_at_the_end(seed: int) -> None:
    outcome = play(failures_of(seed))

    assert outcome.crashes
    assert_all_is_right(outcome)
