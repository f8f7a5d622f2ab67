"""The real tree on threads, under a clock that the test moves: frames and heartbeats come by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from threading import Event
from typing import Any

import pykka
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from scalper.actors.messages.feed import FeedFrame
from scalper.app import Ports, child_specs
from scalper.broker.paper import Check
from scalper.config import Config
from scalper.desk import desk_of, session_of
from scalper.domain.instruments import Instrument, InstrumentKind
from scalper.domain.orders import BrokerStatus, Order, SendState
from scalper.domain.positions import Position
from scalper.domain.quotes import Tick
from scalper.domain.times import IST, ist
from scalper.message import Letter
from scalper.player import PlayedFeed
from scalper.reference import shipped_calendar, shipped_charges
from scalper.replay.silence import NoData, silent_cache
from scalper.runtime.actor import Ping
from scalper.runtime.clock import WallClock, monotonic_s
from scalper.runtime.heartbeat import Heartbeat
from scalper.runtime.root import GetChild, Root, StopTree
from scalper.runtime.supervision import ChildSpec
from scalper.runtime.switchboard import Switchboard
from scalper.store.database import Store
from scalper.store.orders import OrderRepository, insert_orders
from scalper.store.positions import PositionRepository
from tests.builders import ACCOUNT, DAY, INDEX_KEY, an_instrument, an_order

#: Longest wait for the tree to come to rest.
SETTLE_S_MAX = 10.0
STOP_S_MAX = 4.0
_INDEX = Instrument(
    key=INDEX_KEY,
    segment="IDX_I",
    security_id="13",
    kind=InstrumentKind.INDEX,
    underlying="NIFTY",
    symbol="NIFTY",
    lot_size=1,
    tick_size_paise=5,
)


class _Silence:
    """A journal that keeps nothing: these tests look at rows."""

    def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
        """Nothing."""

    def order(self, actor: str, seqs: tuple[int, ...], passed: int) -> None:
        """Nothing."""


class LiveTree:
    """Every actor of the program on its thread.

    Attributes:
        heartbeat: Beaten by hand.
        failures: What supervision gave up for; empty of a sound run.
    """

    def __init__(self, store: Store, frozen: FrozenDateTimeFactory, check: Check) -> None:
        self.failures: list[str] = []
        self._store = store
        self._frozen = frozen
        self._names, specs = _specs(store, check)
        clock = WallClock(IST)
        self._switchboard = Switchboard(_Silence())
        self.heartbeat = Heartbeat(
            clock, lambda pulse: self._switchboard.publish("heartbeat", 0, pulse), wall_every_s=1
        )
        self._root = Root.start(
            self._switchboard, specs, clock, on_thread_end=store.close_thread, failed=self.failures.append
        )

    def tick(self, *ticks: Tick) -> None:
        """One frame of the feed, now."""
        self._switchboard.publish("feed", 0, FeedFrame(at=datetime.now(IST), ticks=ticks))

    def move(self, seconds: float, *ticks: Tick) -> None:
        """Let time pass, hear these ticks if any, beat, and wait for what comes of it."""
        self._frozen.tick(timedelta(seconds=seconds))
        if ticks:
            self.tick(*ticks)
        self.heartbeat.beat()
        self.settle()

    def settle(self) -> None:
        """Wait until no letter waits, none is in hand, and none is sent any more."""
        end_s = monotonic_s() + SETTLE_S_MAX
        while not self._is_at_rest():
            assert monotonic_s() < end_s, f"the tree does not come to rest: {self._switchboard.depths()}"
            Event().wait(0.002)
        assert self.failures == []

    def orders(self) -> list[tuple[str, str, str]]:
        """Side, tag and end of every order of the day, oldest first."""
        return [(one.side.value, one.tag, _end_of(one)) for one in OrderRepository(self._store).of_day(ACCOUNT, DAY)]

    def position(self) -> Position:
        """The first position."""
        found = PositionRepository(self._store).get(1)
        assert found is not None
        return found

    @property
    def dead_letters(self) -> int:
        return self._switchboard.dead_letters_count

    def stop(self) -> None:
        """Stop every actor, in order and in time."""
        late: Any = self._root.ask(StopTree(STOP_S_MAX), timeout=STOP_S_MAX + 2)
        self._root.stop(timeout=STOP_S_MAX)
        assert late == []

    def _is_at_rest(self) -> bool:
        """Nothing waits; whoever had a letter in hand has come to its end; and nobody has sent one meanwhile."""
        seq = self._switchboard.seq
        if any(self._switchboard.depths().values()):
            return False
        for name in self._names:
            child: Any = self._root.ask(GetChild(name), timeout=SETTLE_S_MAX)
            try:
                child.ask(Ping(), timeout=SETTLE_S_MAX)
            except pykka.ActorDeadError:
                return False
        return self._switchboard.seq == seq


def _specs(store: Store, check: Check) -> tuple[list[str], tuple[ChildSpec, ...]]:
    config = Config()
    session = session_of(config, shipped_calendar(), DAY, ist(DAY, time(15, 30)))
    desk = desk_of(config, session, DAY, (_INDEX, an_instrument()))
    ports = Ports(
        store=store,
        cache=silent_cache(),
        feed=PlayedFeed(),
        source=NoData(),
        charges=shipped_charges(),
        paper_check=check,
    )
    specs = child_specs(desk, ports)
    return [spec.name for spec in specs], specs


def _end_of(order: Order) -> str:
    """What became of an order, in one word."""
    is_settled = order.send_state is SendState.ACCEPTED
    return order.broker_status.value if is_settled else order.send_state.value


@contextmanager
def live_tree(
    utc: str,
    position: Position,
    *,
    check: Check = lambda order, at: "",
    prepare: Callable[[Store], None] = lambda store: None,
) -> Iterator[LiveTree]:
    """The tree with one open position, whose entry order is in the rows, from a moment on; stopped at the end.

    Args:
        utc: When time stands still, as freezegun reads it.
        position: The first position.
        check: Says why the paper exchange refuses an order.
        prepare: Writes further rows, in a unit of work, before the tree starts.
    """
    store = Store.open("sqlite://")
    with store.unit() as unit:
        _put(store, position)
        prepare(store)
        unit.commit()
    with freeze_time(utc) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        tree = LiveTree(store, frozen, check)
        try:
            tree.heartbeat.beat()
            tree.settle()
            yield tree
        finally:
            tree.stop()
            store.close()


def _put(store: Store, position: Position) -> None:
    entry = an_order(
        quantity=position.bought_quantity,
        send_state=SendState.ACCEPTED,
        broker_status=BrokerStatus.TRADED,
        filled_quantity=position.bought_quantity,
        filled_value_paise=position.bought_value_paise,
        charges_paise=position.charges_paise,
    )
    PositionRepository(store).insert(position)
    insert_orders(store, (entry,))
