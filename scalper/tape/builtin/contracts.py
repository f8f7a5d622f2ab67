"""What the built-in market lists: three indices, and of each the nearest expiry around the opening price.

Source: REQUIREMENTS 3.1, 10.1; the broker reference, 3.7.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from scalper.domain.instruments import Instrument, InstrumentKind, OptionType, instrument_key, option_symbol
from scalper.domain.units import round_half_away

#: Strikes on each side of the one at the money.
STRIKES_EACH_SIDE = 10
#: Every security here trades in steps of 0.05 rupees.
TICK_SIZE_PAISE = 5
#: The first contract's security id; the ids are the program's own.
_SECURITY_ID_FIRST = 50_001
_TUESDAY, _THURSDAY = 1, 3
#: A run of holidays is never longer; beyond it the calendar itself is broken.
_DAYS_BACK_MAX = 31


class IndexSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One index, how it moves beside the others, and how its options are listed and traded.

    Attributes:
        level_rupees: Where it stands, give or take a few percent by the seed.
        market_beta: How much of the common move it makes.
        own_ratio: Deviation of its own move, as a share of the common one's.
        iv_ratio: Volatility its options imply, as a share of the day's.
        volume_lots: Lots a minute of the contract at the money in an ordinary minute.
        open_interest_lots: Lots open of the contract at the money.
        is_weekly: Expires every week; otherwise on the last such weekday of a month.
    """

    name: str
    security_id: str
    options_segment: str
    level_rupees: float
    market_beta: float
    own_ratio: float
    iv_ratio: float
    lot_size: int
    strike_step_paise: int
    freeze_quantity: int
    volume_lots: float
    open_interest_lots: float
    expiry_weekday: int
    is_weekly: bool


INDICES = (
    IndexSpec(
        name="NIFTY",
        security_id="13",
        options_segment="NSE_FNO",
        level_rupees=25_000.0,
        market_beta=1.0,
        own_ratio=0.18,
        iv_ratio=1.14,
        lot_size=65,
        strike_step_paise=50_00,
        freeze_quantity=1800,
        volume_lots=8_000.0,
        open_interest_lots=110_000.0,
        expiry_weekday=_TUESDAY,
        is_weekly=True,
    ),
    IndexSpec(
        name="BANKNIFTY",
        security_id="25",
        options_segment="NSE_FNO",
        level_rupees=58_000.0,
        market_beta=1.05,
        own_ratio=0.65,
        iv_ratio=1.24,
        lot_size=30,
        strike_step_paise=100_00,
        freeze_quantity=600,
        volume_lots=220.0,
        open_interest_lots=12_000.0,
        expiry_weekday=_TUESDAY,
        is_weekly=False,
    ),
    IndexSpec(
        name="SENSEX",
        security_id="51",
        options_segment="BSE_FNO",
        level_rupees=82_000.0,
        market_beta=1.0,
        own_ratio=0.22,
        iv_ratio=1.16,
        lot_size=20,
        strike_step_paise=100_00,
        freeze_quantity=1000,
        volume_lots=2_500.0,
        open_interest_lots=32_000.0,
        expiry_weekday=_THURSDAY,
        is_weekly=True,
    ),
)


def previous_trading_day(day: date, is_trading_day: Callable[[date], bool]) -> date:
    """The last trading day before `day`.

    Raises:
        ValueError: The calendar knows none within a month.
    """
    return _last_trading_day(day - timedelta(days=1), is_trading_day)


def nearest_expiry(spec: IndexSpec, day: date, is_trading_day: Callable[[date], bool]) -> date:
    """The first expiry on or after `day`; an expiry that falls on a holiday moves to the trading day before it.

    Source: REQUIREMENTS 10.1.
    """
    expiries = [
        _last_trading_day(nominal, is_trading_day)
        for nominal in _weekdays_from(day, spec.expiry_weekday)
        if spec.is_weekly or _is_last_of_month(nominal)
    ]
    return next(expiry for expiry in expiries if expiry >= day)


def index_instruments() -> tuple[Instrument, ...]:
    """The three indices in their order."""
    return tuple(
        Instrument(
            key=instrument_key("IDX_I", spec.security_id),
            segment="IDX_I",
            security_id=spec.security_id,
            kind=InstrumentKind.INDEX,
            underlying=spec.name,
            symbol=spec.name,
            lot_size=1,
            tick_size_paise=TICK_SIZE_PAISE,
        )
        for spec in INDICES
    )


def option_instruments(
    spec: IndexSpec, open_paise: int, expiry: date, number: int, is_trading_day: Callable[[date], bool]
) -> tuple[Instrument, ...]:
    """Calls and puts of the strikes around the open, by strike, the call first.

    Args:
        spec: The index.
        open_paise: Its opening price: the middle strike is the one nearest to it.
        expiry: The expiry listed.
        number: How many contracts were listed before: the security ids go on from there.
        is_trading_day: Tells whether the expiry is the last of its month.
    """
    middle = round_half_away(open_paise, spec.strike_step_paise)
    strikes = range(middle - STRIKES_EACH_SIDE, middle + STRIKES_EACH_SIDE + 1)
    listed = [(strike * spec.strike_step_paise, option) for strike in strikes for option in OptionType]
    is_monthly = _is_monthly(spec, expiry, is_trading_day)
    return tuple(
        _option(spec, expiry, strike, option, str(_SECURITY_ID_FIRST + number + place), is_monthly)
        for place, (strike, option) in enumerate(listed)
    )


def _option(
    spec: IndexSpec, expiry: date, strike_paise: int, option: OptionType, security_id: str, is_monthly: bool
) -> Instrument:
    return Instrument(
        key=instrument_key(spec.options_segment, security_id),
        segment=spec.options_segment,
        security_id=security_id,
        kind=InstrumentKind.OPTION,
        underlying=spec.name,
        symbol=option_symbol(spec.name, expiry, strike_paise, option),
        lot_size=spec.lot_size,
        tick_size_paise=TICK_SIZE_PAISE,
        expiry=expiry,
        strike_paise=strike_paise,
        option_type=option,
        is_monthly=is_monthly,
        freeze_quantity=spec.freeze_quantity,
    )


def _is_monthly(spec: IndexSpec, expiry: date, is_trading_day: Callable[[date], bool]) -> bool:
    following = nearest_expiry(spec, expiry + timedelta(days=1), is_trading_day)
    return not spec.is_weekly or (following.year, following.month) != (expiry.year, expiry.month)


def _weekdays_from(day: date, weekday: int) -> list[date]:
    # Eleven weeks hold at least two month ends, so one expiry is left even when a holiday moves the first before `day`.
    first = day + timedelta(days=(weekday - day.weekday()) % 7)
    return [first + timedelta(weeks=week) for week in range(11)]


def _is_last_of_month(day: date) -> bool:
    return day.day + 7 > monthrange(day.year, day.month)[1]


def _last_trading_day(day: date, is_trading_day: Callable[[date], bool]) -> date:
    for back in range(_DAYS_BACK_MAX):
        if is_trading_day(day - timedelta(days=back)):
            return day - timedelta(days=back)
    raise ValueError(f"expected a trading day within {_DAYS_BACK_MAX} days before {day}, the calendar has none")
