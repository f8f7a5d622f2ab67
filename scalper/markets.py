"""Which market is played: a recorded day, a tape of ticks, or the built-in one; and what it answers to questions."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from scalper.broker.ports import ChainLeg
from scalper.domain.black76 import delta, implied_volatility, years_from_seconds
from scalper.domain.calendar import Calendar
from scalper.domain.instruments import Instrument, InstrumentKind, OptionType
from scalper.domain.quotes import Candle, Tick
from scalper.domain.times import ist
from scalper.domain.units import rupees_from_paise
from scalper.errors import InputError
from scalper.tape.builtin.generator import BuiltinMarket
from scalper.tape.market import Market

#: The built-in market's seed 1 is the first trading day from here on, seed 2 the second, and so on.
BUILTIN_FROM = date(2026, 1, 1)
#: Seeds above this share the days again.
BUILTIN_DAYS = 150


def open_market(kind: str | None, source: Path | None, seed: int, history: Path | None, calendar: Calendar) -> Market:
    """The market that the command line names.

    Args:
        kind: `builtin` or `tape`; None: a tape if a source is given, else the built-in one.
        source: Folder of a recorded day, or file of a tape.
        seed: Of everything that is made up.
        history: Folder of the previous day for the warm-up; None: beside the recorded day.
        calendar: Trading days.

    Raises:
        InputError: The source is missing, unreadable or makes no sense.
    """
    kind = kind or ("builtin" if source is None else "tape")
    if kind == "builtin":
        return builtin_market(seed, calendar)
    if source is None or not source.exists():
        raise InputError(f"no recorded day at {source}: expected a folder with bars.parquet and master.csv, or a tape")
    # Imported here: reading recorded days takes pyarrow, which the built-in market does without.
    if source.is_dir():
        from scalper.tape.recorded import RecordedDay

        return RecordedDay.open(source, seed, history)
    from scalper.tape.replayed import TapeDay

    return TapeDay.open(source, seed)


def builtin_market(seed: int, calendar: Calendar) -> BuiltinMarket:
    """The generated day of a seed: each seed has a trading day of its own."""
    day = builtin_day(seed, calendar)
    session = calendar.session(day)
    if session is None:
        raise InputError(f"{day} is no trading day")
    return BuiltinMarket(
        seed=seed,
        day=day,
        opens_at=session.opens_at,
        closes_at=session.closes_at,
        is_trading_day=calendar.is_trading_day,
        index_stands_still_from=session.index_still_from,
    )


def builtin_day(seed: int, calendar: Calendar) -> date:
    """The (seed mod 150)-th ordinary trading day from the first of 2026 on."""
    left = (seed - 1) % BUILTIN_DAYS
    day = BUILTIN_FROM
    while True:
        # Special sessions are short or at night: not what somebody wants to see first.
        if day.weekday() < 5 and calendar.is_trading_day(day):
            if left == 0:
                return day
            left -= 1
        day += timedelta(days=1)


class PlayedData:
    """MarketData of a market that is played: its book as of the question's time."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._contracts = [one for one in market.instruments if one.kind is InstrumentKind.OPTION]
        self._indices = {one.underlying: one for one in market.instruments if one.kind is InstrumentKind.INDEX}

    def candles(self, key: str, until: datetime) -> tuple[Candle, ...]:
        return (*self._market.warm_up(key), *self._market.candles(key, until))

    def quote(self, key: str, at: datetime) -> Tick | None:
        return self._market.quote(key, at)

    def expiries(self, index_key: str, at: datetime) -> tuple[date, ...]:
        listed = {one.expiry for one in self._contracts if one.underlying == index_key and one.expiry is not None}
        return tuple(sorted(expiry for expiry in listed if expiry >= at.date()))

    def chain(self, index_key: str, expiry: date, at: datetime) -> tuple[ChainLeg, ...]:
        """IV and delta are computed from the price: recordings have none, or none for every minute."""
        index = self._indices.get(index_key)
        spot = self._market.quote(index.key, at) if index is not None else None
        legs = [one for one in self._contracts if one.underlying == index_key and one.expiry == expiry]
        legs.sort(key=lambda one: (one.strike_paise or 0, one.option_type or ""))
        return tuple(self._leg(one, spot, expiry, at) for one in legs)

    def _leg(self, contract: Instrument, spot: Tick | None, expiry: date, at: datetime) -> ChainLeg:
        tick = self._market.quote(contract.key, at)
        iv, greek = (None, None) if tick is None or spot is None else _greeks(contract, tick, spot, expiry, at)
        return ChainLeg(
            key=contract.key,
            strike_paise=contract.strike_paise or 0,
            option_type=contract.option_type or "",
            tick=tick,
            iv_pct=iv,
            delta=greek,
        )


def _greeks(
    contract: Instrument, tick: Tick, spot: Tick, expiry: date, at: datetime
) -> tuple[float | None, float | None]:
    option = contract.option_type or OptionType.CE
    forward = rupees_from_paise(spot.ltp_paise)
    strike = rupees_from_paise(contract.strike_paise or 0)
    years = years_from_seconds(max((_expires_at(expiry) - at).total_seconds(), 60.0))
    sigma = implied_volatility(
        option=option,
        premium=rupees_from_paise(tick.ltp_paise),
        forward=forward,
        strike=strike,
        years=years,
    )
    if sigma is None:
        return None, None
    return sigma * 100, delta(option=option, forward=forward, strike=strike, years=years, sigma=sigma)


def _expires_at(expiry: date) -> datetime:
    from datetime import time

    return ist(expiry, time(15, 30))
