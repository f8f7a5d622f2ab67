"""What a tree stands on for a measurement: a temporary home, the built-in market's first day, positions bought by it.

Everything is what a run uses, down to the FULL commits on disk. The tree watches, so that it buys nothing on its own;
what it holds it was told to buy, by the letter with which EntryGuard would have told it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic_ns
from typing import Any

import msgspec

from scalper import __version__
from scalper.actors.messages.positions import PositionClosed, PositionOpened
from scalper.actors.messages.signals import TradeIntentApproved
from scalper.app import Ports
from scalper.config import Config, config_hash, load_config, to_json
from scalper.desk import Desk, desk_of, session_of
from scalper.domain.instruments import Instrument
from scalper.domain.orders import OrderPurpose
from scalper.domain.quotes import Tick
from scalper.domain.signals import IntentStatus, Signal, SignalStatus, TradeIntent
from scalper.domain.times import ist, us_from
from scalper.home import database_url
from scalper.journal import DayJournal, RunHeader
from scalper.markets import PlayedData, builtin_market
from scalper.message import Letter, Message
from scalper.player import PlayedFeed
from scalper.reference import shipped_calendar, shipped_charges
from scalper.run_id import run_id_of
from scalper.runtime.heartbeat import Pulse
from scalper.runtime.switchboard import Switchboard
from scalper.store.cache import open_cache
from scalper.store.database import Store
from scalper.store.snapshot import dump_day
from scalper.tape.file import TapeHeader
from scalper.tape.market import Market

ACCOUNT = "paper"
#: Nobody's day ends by a loss of stops that are hit on purpose.
_SETTINGS = ("mode=watch", "paper.balance=1000000000")
_SEED = 1
#: Of every option, before anything happens to it.
BASE_PAISE = 100_00
#: Units shown on each side of a quote: an order never waits for more.
_SHOWN = 1_000_000


class Notes:
    """Stands before a journal and writes down when the first letter of a kind about a position passed.

    Of what is said of orders, only exits count.

    Attributes:
        passed_ns: Monotonic nanoseconds by type of message and position.
        pulses: Of every Pulse, monotonic nanoseconds and market time.
    """

    def __init__(self, journal: DayJournal, kinds: frozenset[type[Message]]) -> None:
        self.passed_ns: dict[tuple[type, int], int] = {}
        self.pulses: list[tuple[int, datetime]] = []
        self._journal = journal
        self._kinds = kinds

    def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
        message = letter.message
        kind = type(message)
        if kind is Pulse:
            self.pulses.append((monotonic_ns(), message.at))
        elif kind in self._kinds and getattr(message, "purpose", OrderPurpose.EXIT) is OrderPurpose.EXIT:
            self.passed_ns.setdefault((kind, _position_id_of(message)), monotonic_ns())
        self._journal.letter(letter, to)

    def order(self, actor: str, seqs: tuple[int, ...], passed: int) -> None:
        self._journal.order(actor, seqs, passed)


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a tree is made of, open until the measurement ends.

    Attributes:
        start: Market time at which the tree begins.
        options: Contracts to hold and to quote, in a stable order.
    """

    desk: Desk
    market: Market
    ports: Ports
    journal: DayJournal
    notes: Notes
    switchboard: Switchboard
    start: datetime
    options: tuple[Instrument, ...]


@contextmanager
def a_ground(*kinds: type[Message]) -> Iterator[Ground]:
    """The ground for one tree; letters of these kinds are noted as they pass the switchboard."""
    with TemporaryDirectory(prefix="scalper-bench-") as home, ExitStack() as stack:
        config = load_config(None, _SETTINGS, {})
        calendar = shipped_calendar()
        market = builtin_market(_SEED, calendar)
        stack.callback(market.close)
        session = session_of(config, calendar, market.day, market.closes_at)
        desk = desk_of(config, session, market.day, market.instruments)
        store = Store.open(database_url(config, Path(home)))
        stack.callback(store.close)
        start = ist(market.day, time(10, 0, 30))
        journal = _journal(Path(home) / "log", config, desk, market, store, start)
        stack.callback(journal.close)
        cache = open_cache(config.redis_url)
        stack.callback(cache.close)
        notes = Notes(journal, frozenset(kinds))
        yield Ground(
            desk=desk,
            market=market,
            ports=Ports(
                store=store,
                cache=cache,
                feed=PlayedFeed(),
                source=PlayedData(market),
                charges=shipped_charges(),
                before_send=journal.flush_letters,
            ),
            journal=journal,
            notes=notes,
            switchboard=Switchboard(notes),
            start=start,
            options=desk.contracts,
        )


def tick_of(option: Instrument, ltp_paise: int, at_us: int) -> Tick:
    """A quote one tick wide on each side, with size enough for everybody."""
    return Tick(
        key=option.key,
        at_us=at_us,
        ltp_paise=ltp_paise,
        bid_paise=ltp_paise - option.tick_size_paise,
        ask_paise=ltp_paise + option.tick_size_paise,
        bid_quantity=_SHOWN,
        ask_quantity=_SHOWN,
    )


def entry_of(number: int, option: Instrument, at: datetime) -> TradeIntentApproved:
    """The letter that makes PositionTracker buy one lot at the base price, as position `number` of the day."""
    intent = TradeIntent(
        id=number,
        delivery_id=number,
        leg_no=0,
        signal_id=1,
        account_id=ACCOUNT,
        index_key=option.underlying,
        instrument_key=option.key,
        quantity=option.lot_size,
        ltp_paise=BASE_PAISE,
        status=IntentStatus.APPROVED,
        reason="",
        tag="entry_bench",
        intent_number=number,
        gates=(),
        created_at=at,
        updated_at=at,
    )
    quote = tick_of(option, BASE_PAISE, us_from(at))
    return TradeIntentApproved(at=at, intent=intent, signal=_signal(option, at), instrument=option, quote=quote)


def _position_id_of(message: Any) -> int:
    """The position an event is about."""
    if isinstance(message, PositionOpened | PositionClosed):
        return message.position.id
    position_id: int = message.position_id
    return position_id


def _signal(option: Instrument, at: datetime) -> Signal:
    return Signal(
        id=1,
        index_key=option.underlying,
        direction="bullish",
        confluence_type="BENCH",
        day=at.date(),
        effective_floor_paise=BASE_PAISE,
        effective_ceiling_paise=BASE_PAISE,
        candle_at=at,
        figures="{}",
        status=SignalStatus.PUBLISHED,
        created_at=at,
    )


def _journal(folder: Path, config: Config, desk: Desk, market: Market, store: Store, at: datetime) -> DayJournal:
    header = RunHeader(
        run=run_id_of(_SEED, config_hash(config), desk.day),
        part=1,
        day=desk.day,
        seed=_SEED,
        mode=config.mode,
        runtime="bench",
        first_seq=1,
        started_at=at,
        session=desk.session,
        config=msgspec.Raw(to_json(config)),
        version=__version__,
        code="bench",
        config_sha256=config_hash(config),
    )
    tape = TapeHeader(
        day=desk.day,
        market=market.name,
        market_kind=market.kind,
        seed=_SEED,
        opens_at_us=us_from(market.opens_at),
        closes_at_us=us_from(market.closes_at),
        instruments=market.instruments,
    )
    rotate_bytes = config.message_log.rotate_mb * 1_000_000
    return DayJournal(folder, header, tape, rows=dump_day(store, desk.day), rotate_bytes=rotate_bytes)
