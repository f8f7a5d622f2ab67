"""Puts the events of the business into the log, one line each, for whoever does not watch the live view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from loguru import logger

from scalper.actors.dashboard import Picture
from scalper.desk import Desk
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.units import rupees_from_paise
from scalper.run import Onlooker
from scalper.tape.market import Market

#: Two looks a second: what happened stands in the rows and in the log of letters at once; this is for people.
LOOK_EVERY_S = 0.5


class EventLog(Onlooker):
    """Compares each picture with the one before; passes everything on to the onlooker it stands before.

    Args:
        inner: The onlooker behind this one.
        stopwatch_s: Seconds of the wall clock, for the pace of the looks.
    """

    def __init__(self, inner: Onlooker, stopwatch_s: Callable[[], float]) -> None:
        self._inner = inner
        self._stopwatch_s = stopwatch_s
        self._next_look_s = 0.0
        self._told: dict[int, PositionStatus] = {}
        self._refusals: Counter[str] = Counter()
        self._state: tuple[str, tuple[str, ...]] = ("ACTIVE", ())
        self._is_feed_fresh = True
        self._news: tuple[str, ...] = ()
        self._resumed_at: datetime | None = None
        self._spoken: set[str] = set()

    def begin(self, desk: Desk, market: Market, resumed_at: datetime | None) -> None:
        """Say which day is played."""
        self._resumed_at = resumed_at
        goes_on = f", going on at {resumed_at:%H:%M:%S}" if resumed_at else ""
        logger.info("{}: {} market, {}, {}{}", desk.day, market.kind, market.name, desk.config.mode, goes_on)
        self._inner.begin(desk, market, resumed_at)

    def wants_a_look(self) -> bool:
        """Whether either of the two wants one."""
        return self._inner.wants_a_look() or self._stopwatch_s() >= self._next_look_s

    def look(self, picture: Picture) -> None:
        """Tell what is new."""
        self._next_look_s = self._stopwatch_s() + LOOK_EVERY_S
        self._tell_state(picture)
        self._tell_first_words(picture)
        for position in picture.positions:
            self._tell_position(position)
        self._tell_refusals(picture)
        self._tell_news(picture)
        self._inner.look(picture)

    def _tell_state(self, picture: Picture) -> None:
        state = (picture.state.value, picture.causes)
        if state != self._state:
            logger.info("trading is {}{}", state[0], f": {', '.join(state[1])}" if state[1] else "")
            self._state = state
        if picture.is_feed_fresh != self._is_feed_fresh:
            if picture.is_feed_fresh:
                logger.info("the feed is fresh again")
            else:
                logger.warning("the feed is stale")
            self._is_feed_fresh = picture.is_feed_fresh

    def _tell_first_words(self, picture: Picture) -> None:
        for index_key, at in picture.first_spoken.items():
            if index_key not in self._spoken:
                self._spoken.add(index_key)
                logger.info("{}: both timeframes can speak from {:%H:%M} on", index_key, at)

    def _tell_position(self, position: Position) -> None:
        before = self._told.get(position.id)
        if position.status is before:
            return
        self._told[position.id] = position.status
        if self._resumed_at is not None and before is None and position.updated_at <= self._resumed_at:
            return
        if position.bought_quantity and before in (None, PositionStatus.PENDING):
            self._tell_bought(position)
        if position.status is PositionStatus.EXITED:
            self._tell_sold(position)
        if position.status is PositionStatus.CANCELLED:
            logger.info("position {} was never bought: {}", position.id, position.cancel_reason)

    def _tell_bought(self, position: Position) -> None:
        logger.info(
            "{:%H:%M:%S} bought {} {} at {:.2f} (position {}, {})",
            position.opened_at,
            position.bought_quantity,
            position.instrument.symbol,
            rupees_from_paise(position.entry_price_paise),
            position.id,
            position.entry_tag,
        )

    def _tell_sold(self, position: Position) -> None:
        logger.info(
            "{:%H:%M:%S} sold {} {} at {:.2f}, net {:+.2f} rupees (position {}, {}: {})",
            position.exited_at,
            position.sold_quantity,
            position.instrument.symbol,
            rupees_from_paise(position.sold_value_paise) / position.sold_quantity,
            rupees_from_paise(position.net_paise),
            position.id,
            position.exit_tag,
            position.exit_text,
        )

    def _tell_refusals(self, picture: Picture) -> None:
        """The first of a reason is an event; what follows of it is only counted."""
        for reason, count in picture.refusals.items():
            if count != self._refusals[reason]:
                level = "DEBUG" if self._refusals[reason] else "INFO"
                logger.log(level, "entry refused: {} ({} so far)", reason, count)
                self._refusals[reason] = count

    def _tell_news(self, picture: Picture) -> None:
        for line in picture.news:
            if line not in self._news:
                clock, level, text = line.split(" ", 2)
                logger.log(level, "{} {}", clock, text)
        self._news = picture.news
