"""The built-in market: a whole day of NIFTY, BANKNIFTY and SENSEX with their option chains, from a seed.

Everything is a function of (seed, day, session); the ticks of a minute are a function of (seed, security, minute) given
the day's path, and are made when they are asked for.

Source: REQUIREMENTS 10.1, 21.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from itertools import accumulate, pairwise
from operator import attrgetter, itemgetter
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalper.domain.instruments import Instrument
from scalper.domain.quotes import MINUTE_US, Candle, Tick
from scalper.domain.times import ist, us_from
from scalper.errors import InputError
from scalper.tape.builtin.chain import Chain, Ticks, Underlyings
from scalper.tape.builtin.contracts import (
    INDICES,
    IndexSpec,
    index_instruments,
    nearest_expiry,
    option_instruments,
    previous_trading_day,
)
from scalper.tape.builtin.days import Session, days_from
from scalper.tape.builtin.indices import SESSION_MINUTES, ordinary_move
from scalper.tape.builtin.noise import Floats, Ints
from scalper.tape.builtin.series import IndexSeries
from scalper.tape.builtin.surface import atm_sigmas

#: When an ordinary session starts, and when an expiring option is worth no more than its intrinsic value.
_OPEN, _EXPIRY_CLOCK = time(9, 15), time(15, 30)
#: Minutes of ticks that are kept for `quote`; 3,000 ticks each.
_MINUTES_KEPT = 4
#: Range of an ordinary minute, in deviations of its move.
_RANGE_RATIO = 1.25
#: What an index has none of, in the order of Tick.
_OPTION_COLUMNS = ("bid_paise", "ask_paise", "bid_quantity", "ask_quantity", "volume", "open_interest")


class _Minute(NamedTuple):
    """Ticks of one minute, all by time, and of each security."""

    ticks: tuple[Tick, ...]
    by_key: Mapping[str, tuple[Tick, ...]]


class BuiltinMarket:
    """A generated trading day; see `scalper.tape.market.Market`. Its methods may be called from any thread.

    Attributes:
        expiries: The expiry listed, by index name.
    """

    kind = "builtin"
    name = "builtin"

    def __init__(
        self,
        *,
        seed: int,
        day: date,
        opens_at: datetime,
        closes_at: datetime,
        is_trading_day: Callable[[date], bool],
        expiries: Mapping[str, date] | None = None,
        index_stands_still_from: datetime | None = None,
    ) -> None:
        """Make the day's paths; takes about a tenth of a second.

        Args:
            seed: Any integer.
            day: The trading day.
            opens_at, closes_at: First minute with ticks, and the end of the last; whole minutes of `day`.
            is_trading_day: The calendar, for expiries and the previous session.
            expiries: Expiry by index name, where it is not to be computed.
            index_stands_still_from: From here the index values shown stand still while options trade on; None = never.

        Raises:
            InputError: The session is empty or not made of whole minutes, or an expiry lies before the day.
            ValueError: The calendar has no trading day within a month.
        """
        minutes = _whole_minutes(day, opens_at, closes_at)
        self.seed, self.day, self.opens_at, self.closes_at = seed, day, opens_at, closes_at
        self.warnings: tuple[str, ...] = ()
        self.expiries = _expiries(day, is_trading_day, expiries or {})
        self._opens_us = us_from(opens_at)
        self._minutes = minutes
        self._days = days_from(
            seed,
            today=Session(opens_at, minutes, index_stands_still_from or closes_at),
            yesterday=_ordinary_session(previous_trading_day(day, is_trading_day)),
        )
        self._lock = Lock()
        self._kept: OrderedDict[int, _Minute] = OrderedDict()
        contracts = self._contracts(is_trading_day)
        self.instruments: tuple[Instrument, ...] = (*index_instruments(), *contracts)
        self._keys = np.array([instrument.key for instrument in self.instruments], dtype=object)
        self._place = {instrument.key: place for place, instrument in enumerate(self.instruments)}
        self._rows = np.arange(len(contracts))
        self._chain = Chain(self._days.salt, contracts, INDICES, self._underlyings(is_trading_day))

    def ticks(self, minute: datetime) -> tuple[Tick, ...]:
        """All ticks of the minute, by time; none outside the session or where no minute starts."""
        number, rest = divmod(us_from(minute) - self._opens_us, MINUTE_US)
        if rest or not 0 <= number < self._minutes:
            return ()
        return self._minute(number).ticks

    def warm_up(self, key: str) -> tuple[Candle, ...]:
        """The 375 one-minute candles of an index on the previous trading day; none of an option."""
        place = self._place.get(key)
        return self._days.yesterday[place].candles if place is not None and place < len(INDICES) else ()

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        """Today's candles closed at `until`, made of the ticks."""
        closed = min((us_from(until) - self._opens_us) // MINUTE_US, self._minutes)
        place = self._place.get(key)
        if place is None or closed <= 0:
            return ()
        if place < len(INDICES):
            return self._days.today[place].candles[:closed]
        return self._option_candles(place - len(INDICES), closed)

    def quote(self, key: str, at: datetime) -> Tick | None:
        """The last tick at or before `at`; the day's last one after the close."""
        at_us = us_from(at)
        number = min((at_us - self._opens_us) // MINUTE_US, self._minutes - 1)
        if key not in self._place or number < 0:
            return None
        # Every security ticks in every minute, so the minute before always has one.
        for candidate in (number, number - 1):
            ticks = self._minute(candidate).by_key[key] if candidate >= 0 else ()
            found = bisect_right(ticks, at_us, key=attrgetter("at_us"))
            if found:
                return ticks[found - 1]
        return None

    def close(self) -> None:
        """Forget the minutes kept."""
        with self._lock:
            self._kept.clear()

    def _contracts(self, is_trading_day: Callable[[date], bool]) -> list[Instrument]:
        """The contracts around the opening values."""
        contracts: list[Instrument] = []
        for spec, series in zip(INDICES, self._days.today, strict=True):
            opening = series.candles[0].open_paise
            contracts += option_instruments(spec, opening, self.expiries[spec.name], len(contracts), is_trading_day)
        return contracts

    def _underlyings(self, is_trading_day: Callable[[date], bool]) -> Underlyings:
        usual = ordinary_move(self._days.sigma)
        series = self._days.today
        expires_at = max(self.closes_at, ist(self.day, _EXPIRY_CLOCK))
        return Underlyings(
            paths=np.stack([each.path for each in series]),
            atm_sigmas=np.stack([self._atm_sigmas(spec, each) for spec, each in zip(INDICES, series, strict=True)]),
            speeds=np.stack([each.ranges() for each in series]) / (usual * _RANGE_RATIO),
            days_after=np.array([_days_after(self.day, self.expiries[spec.name], is_trading_day) for spec in INDICES]),
            session_us=us_from(expires_at) - self._opens_us,
        )

    def _atm_sigmas(self, spec: IndexSpec, series: IndexSeries) -> Floats:
        sigma = self._days.sigma
        usual = ordinary_move(sigma)
        return atm_sigmas(self._days.salt, series.path, sigma * spec.iv_ratio, usual, int(spec.security_id))

    def _minute(self, number: int) -> _Minute:
        """The minute's ticks, from those kept or made now; one thread makes, the others wait for it."""
        with self._lock:
            kept = self._kept.get(number)
            if kept is None:
                kept = self._kept[number] = self._make_minute(number)
                if len(self._kept) > _MINUTES_KEPT:
                    self._kept.popitem(last=False)
            return kept

    def _make_minute(self, number: int) -> _Minute:
        options = self._chain.ticks(self._rows, np.full(len(self._rows), number))
        shown = [(each.offsets_us[number], each.ltp_paise[number], each.counts[number]) for each in self._days.today]
        counts = [*(int(count) for _, _, count in shown), *options.counts.tolist()]
        places = np.repeat(np.arange(len(counts)), counts)
        at_us = self._opens_us + np.concatenate([*(at[:count] for at, _, count in shown), _flat(options, "offsets_us")])
        ltp = np.concatenate([*(value[:count] for _, value, count in shown), _flat(options, "ltp_paise")])
        nothing = np.zeros(sum(counts[: len(shown)]), dtype=np.int64)
        others = [np.concatenate([nothing, _flat(options, name)]) for name in _OPTION_COLUMNS]
        columns = (self._keys[places], at_us, ltp, *others)
        ticks = tuple(map(Tick, *(column.tolist() for column in columns)))
        ends = pairwise(accumulate(counts, initial=0))
        by_key = {key: ticks[first:last] for key, (first, last) in zip(self._keys, ends, strict=True)}
        return _Minute(itemgetter(*np.argsort(at_us, kind="stable").tolist())(ticks), by_key)

    def _option_candles(self, row: int, closed: int) -> tuple[Candle, ...]:
        minutes = np.arange(closed)
        ticks = self._chain.ticks(np.full(closed, row), minutes)
        real = _real(ticks)
        starts = self._opens_us + minutes * MINUTE_US
        highs = np.where(real, ticks.ltp_paise, 0).max(axis=1)
        lows = np.where(real, ticks.ltp_paise, np.iinfo(np.int64).max).min(axis=1)
        lasts = ticks.ltp_paise[minutes, ticks.counts - 1]
        traded = np.diff(ticks.volume[:, -1], prepend=0)
        columns = (starts, ticks.ltp_paise[:, 0], highs, lows, lasts, traded)
        return tuple(map(Candle, *(column.tolist() for column in columns)))


def _real(ticks: Ticks) -> NDArray[np.bool_]:
    """Which cells are ticks and not padding."""
    result: NDArray[np.bool_] = np.arange(ticks.offsets_us.shape[1])[None, :] < ticks.counts[:, None]
    return result


def _flat(ticks: Ticks, column: str) -> Ints:
    values: Ints = getattr(ticks, column)[_real(ticks)]
    return values


def _ordinary_session(day: date) -> Session:
    opens_at = ist(day, _OPEN)
    return Session(opens_at, SESSION_MINUTES, opens_at + timedelta(minutes=SESSION_MINUTES))


def _whole_minutes(day: date, opens_at: datetime, closes_at: datetime) -> int:
    minutes, rest = divmod(closes_at - opens_at, timedelta(minutes=1))
    if minutes <= 0 or rest or opens_at.date() != day or us_from(opens_at) % MINUTE_US:
        raise InputError(f"expected a session of whole minutes on {day}, found {opens_at} to {closes_at}")
    return minutes


def _expiries(day: date, is_trading_day: Callable[[date], bool], given: Mapping[str, date]) -> dict[str, date]:
    expiries = {spec.name: given.get(spec.name) or nearest_expiry(spec, day, is_trading_day) for spec in INDICES}
    for name, expiry in expiries.items():
        if expiry < day:
            raise InputError(f"expected an expiry of {name} on or after {day}, found {expiry}")
    return expiries


def _days_after(day: date, expiry: date, is_trading_day: Callable[[date], bool]) -> int:
    return sum(is_trading_day(day + timedelta(days=ahead)) for ahead in range(1, (expiry - day).days + 1))
