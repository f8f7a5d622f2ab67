"""One day from the first tick to flat: opens everything, plays the market into the tree, closes everything."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
from loguru import logger

from scalper import __version__
from scalper.actors.dashboard import Picture
from scalper.app import Ports
from scalper.broker.paper import Check
from scalper.config import Config, config_hash, to_json
from scalper.desk import Desk, desk_of, session_of
from scalper.domain.charges import ChargeTable
from scalper.domain.instruments import InstrumentKind
from scalper.domain.times import us_from
from scalper.errors import UsageError
from scalper.home import Home, database_url, log_folder
from scalper.journal import DayJournal, RunHeader, reached_of
from scalper.markets import PlayedData, open_market
from scalper.player import PlayedFeed, Player
from scalper.reference import shipped_calendar, shipped_charges
from scalper.run_id import code_version, run_id_of
from scalper.runtime.clock import monotonic_s
from scalper.runtime.message_log import compress_log, log_sha256
from scalper.runtime.switchboard import Switchboard
from scalper.store.cache import Cache, open_cache
from scalper.store.database import Store
from scalper.store.days import DayRepository
from scalper.store.positions import PositionRepository
from scalper.store.records import Account, Day, DayState
from scalper.store.snapshot import dump_day
from scalper.summary import rows_summary
from scalper.tape.file import TapeHeader
from scalper.tape.market import Market
from scalper.trees import Stage, ThreadedPlay, play_stepped

#: Market time played on after the last tick, so that orders and letters come to their end.
AFTER_CLOSE = timedelta(seconds=5)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for.

    Attributes:
        market_kind: `builtin`, `tape` or None (told by `source`).
        speed: Multiple of the wall clock on threads; None = as fast as may be on the Stepper.
        crash_after: Letters after which an actor is made to fail, by name: a switch for tests.
    """

    config: Config
    home: Path
    market_kind: str | None = None
    source: Path | None = None
    history: Path | None = None
    seed: int = 1
    speed: float | None = 60.0
    crash_after: Mapping[str, int] = {}


class Onlooker:
    """What wants to see the run while it goes on; this one looks away."""

    def begin(self, desk: Desk, market: Market, resumed_at: datetime | None) -> None:
        """The day begins."""

    def look(self, picture: Picture) -> None:
        """This is how things stand."""

    def wants_a_look(self) -> bool:
        """Whether a picture is wanted now."""
        return False


class DayRun:
    """Everything that is open during one run of one day."""

    def __init__(self, request: Request, onlooker: Onlooker, started_s: float, *, paper_check: Check | None) -> None:
        self._request = request
        self._onlooker = onlooker
        self._started_s = started_s
        self._paper_check = paper_check
        self._stopping = Event()
        self._stack = ExitStack()

    def request_stop(self) -> None:
        """Ask for an orderly stop; safe from a signal handler."""
        self._stopping.set()

    def run(self) -> dict[str, Any]:
        """Play the day, or tell the summary of a finished one.

        Raises:
            InputError, UsageError, HomeError, StoreError, LogError: Before anything is traded.
            SupervisionError: Supervision gave up.
        """
        request = self._request
        calendar, charges = shipped_calendar(), shipped_charges()
        if request.config.mode == "watch":
            logger.info("watch mode: signals and gates run to the verdict, nothing is bought")
        market = open_market(request.market_kind, request.source, request.seed, request.history, calendar)
        with self._stack:
            self._stack.callback(market.close)
            for warning in market.warnings:
                logger.warning("{}", warning)
            session = session_of(request.config, calendar, market.day, market.closes_at)
            desk = desk_of(request.config, session, market.day, market.instruments)
            home = Home.hold(request.home)
            self._stack.callback(home.release)
            store = Store.open(database_url(request.config, home.path))
            self._stack.callback(store.close)
            _refuse_unknown_accounts(store, desk)
            known = DayRepository(store).get(market.day)
            self._refuse_other_day(known, market)
            if known is not None and known.state is DayState.FINISHED:
                return self._told_again(known)
            return self._play(desk, market, store, charges, home)

    def _refuse_other_day(self, known: Day | None, market: Market) -> None:
        if known is None:
            return
        request = self._request
        asked = (market.kind, market.name, request.seed, config_hash(request.config))
        found = (known.market, known.market_name, known.seed, known.config_hash)
        names = ("market", "name", "seed", "configuration")
        for name, was, wanted in zip(names, found, asked, strict=True):
            if was != wanted:
                raise UsageError(
                    f"home {request.home} has played {market.day} with {name} {was}, asked for {wanted}: "
                    "name another --home, or ask for the same again"
                )

    def _told_again(self, known: Day) -> dict[str, Any]:
        logger.info("{} is finished already: this is its summary; --seed or --home plays another", known.day)
        told: dict[str, Any] = msgspec.json.decode(known.summary)
        return told

    def _play(self, desk: Desk, market: Market, store: Store, charges: ChargeTable, home: Home) -> dict[str, Any]:
        folder = log_folder(self._request.config, home.path, desk.day)
        _keep_other_days(folder, desk.day, self._request.config.message_log.retention_days)
        reached = reached_of(folder)
        rows_at = DayRepository(store).last_at(desk.day)
        times = [at for at in (reached.last_at, rows_at) if at is not None]
        start = max(times) if times else market.opens_at
        self._open_day(store, market, start)
        journal = self._journal(folder, desk, market, store, start, reached.last_seq + 1, reached.parts + 1)
        self._stack.callback(journal.close)
        cache = open_cache(self._request.config.redis_url)
        self._stack.callback(cache.close)
        self._onlooker.begin(desk, market, start if times else None)
        player = self._run_tree(desk, market, store, cache, charges, journal, start, reached.last_seq + 1)
        journal.close()
        return self._finish(desk, market, store, folder, player, reached.ticks)

    def _open_day(self, store: Store, market: Market, at: datetime) -> None:
        request = self._request
        days = DayRepository(store)
        with store.unit() as unit:
            for account in request.config.accounts:
                row = Account(
                    id=account.id, broker="paper", mode=account.mode, is_enabled=account.is_enabled, created_at=at
                )
                days.put_account(row)
            days.open_day(
                Day(
                    day=market.day,
                    market=market.kind,
                    market_name=market.name,
                    seed=request.seed,
                    mode=request.config.mode,
                    config_hash=config_hash(request.config),
                    opened_at=at,
                    last_at=at,
                )
            )
            unit.commit()

    def _journal(
        self, folder: Path, desk: Desk, market: Market, store: Store, at: datetime, first_seq: int, part: int
    ) -> DayJournal:
        request = self._request
        config = to_json(request.config)
        header = RunHeader(
            run=run_id_of(request.seed, config_hash(request.config), desk.day),
            part=part,
            day=desk.day,
            seed=request.seed,
            mode=request.config.mode,
            runtime=self._runtime,
            first_seq=first_seq,
            started_at=at,
            session=desk.session,
            config=msgspec.Raw(config),
            version=__version__,
            code=code_version(),
            config_sha256=config_hash(request.config),
        )
        indices = [one.key for one in market.instruments if one.kind is InstrumentKind.INDEX]
        tape = TapeHeader(
            day=desk.day,
            market=market.name,
            market_kind=market.kind,
            seed=market.seed,
            opens_at_us=us_from(market.opens_at),
            closes_at_us=us_from(market.closes_at),
            instruments=market.instruments,
            warm_up={key: market.warm_up(key) for key in indices},
            candles={key: market.candles(key, at) for key in indices},
        )
        rotate = request.config.message_log.rotate_mb * 1_000_000
        return DayJournal(folder, header, tape, rows=dump_day(store, desk.day), rotate_bytes=rotate)

    @property
    def _runtime(self) -> str:
        return "stepper" if self._request.speed is None else "threads"

    def _run_tree(
        self,
        desk: Desk,
        market: Market,
        store: Store,
        cache: Cache,
        charges: ChargeTable,
        journal: DayJournal,
        start: datetime,
        first_seq: int,
    ) -> Player:
        feed = PlayedFeed()
        ports = Ports(
            store=store,
            cache=cache,
            feed=feed,
            source=PlayedData(market),
            charges=charges,
            before_send=journal.flush_letters,
            paper_check=self._paper_check or (lambda order, at: ""),
        )
        switchboard = Switchboard(journal, first_seq=first_seq)
        player = Player(market, feed, start, max(market.closes_at, desk.session.closes_at) + AFTER_CLOSE)
        speed = self._request.speed
        every_s = max(self._request.config.message_log.fsync_ms, 10) / 1000
        journal.start_flushing(every_s, is_tape_too=speed is not None)
        stage = Stage(
            desk=desk,
            ports=ports,
            switchboard=switchboard,
            journal=journal,
            player=player,
            viewer=self._onlooker,
            stopping=self._stopping,
            start=start,
            seed=self._request.seed,
            crash_after=self._request.crash_after,
        )
        is_settled = play_stepped(stage) if speed is None else ThreadedPlay(stage, speed).run()
        if is_settled and not self._stopping.is_set():
            journal.settled()
        self._letters = switchboard.seq
        return player

    def _finish(
        self, desk: Desk, market: Market, store: Store, folder: Path, player: Player, ticks_before: int
    ) -> dict[str, Any]:
        rows = rows_summary(store, desk.day)
        summary: dict[str, Any] = {
            "day": desk.day.isoformat(),
            "mode": self._request.config.mode,
            "market": market.kind,
            "seed": self._request.seed,
            "runtime": self._runtime,
            "ticks": ticks_before + player.ticks,
            "letters": self._letters,
            "wall_s": round(monotonic_s() - self._started_s, 3),
            "signals": rows["signals"],
            "refusals": rows["refusals"],
            "open_positions": rows["open_positions"],
            "realised_net_rupees": rows["realised_net_rupees"],
            "message_log": str(folder),
            "message_log_sha256": log_sha256(folder),
            "database": store.name,
            "positions": rows["positions"],
        }
        self._keep(store, desk.day, summary, player.at)
        _tell_what_is_open(store, desk.day)
        return summary

    def _keep(self, store: Store, day: date, summary: dict[str, Any], at: datetime) -> None:
        days = DayRepository(store)
        with store.unit() as unit:
            if self._stopping.is_set():
                days.mark(day, at)
            else:
                days.finish_day(day, msgspec.json.encode(summary).decode(), at)
            unit.commit()


def run_day(
    request: Request,
    onlooker: Onlooker,
    started_s: float,
    *,
    on_begin: Callable[[DayRun], None] = lambda run: None,
    paper_check: Check | None = None,
) -> dict[str, Any]:
    """Run one day; `on_begin` gets the run before it starts, so that signals can stop it."""
    run = DayRun(request, onlooker, started_s, paper_check=paper_check)
    on_begin(run)
    return run.run()


def _refuse_unknown_accounts(store: Store, desk: Desk) -> None:
    """A position that nobody would watch must stop the start, not an actor in mid-day."""
    for position in PositionRepository(store).open_positions():
        if position.account_id not in desk.accounts:
            raise UsageError(
                f"position {position.id} ({position.instrument.symbol}) of account {position.account_id} is open, "
                f"and the configuration has only {', '.join(desk.accounts)}: add the account under `accounts`"
            )


def _tell_what_is_open(store: Store, day: date) -> None:
    """Nothing is sold by a stop of the program: what is left open must not be overlooked."""
    for position in PositionRepository(store).of_day(day):
        if position.is_open:
            logger.error(
                "position {} ({}, {} units) is open and only this program watches its stop: run the same day again",
                position.id,
                position.instrument.symbol,
                position.quantity or position.ordered_quantity,
            )


def _keep_other_days(folder: Path, day: date, retention_days: int) -> None:
    """Logs of days that are over are compressed when another day begins, and removed when their time is up."""
    others = folder.parent.iterdir() if folder.parent.is_dir() else ()
    for other in sorted(others):
        try:
            logged = date.fromisoformat(other.name)
        except ValueError:
            # Not a day's log: not ours to touch.
            continue
        if (day - logged).days > retention_days:
            logger.info("the log of {} is older than {} days and is removed", logged, retention_days)
            shutil.rmtree(other)
        elif logged < day:
            compress_log(other)
