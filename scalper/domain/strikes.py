"""Which strikes are near the money and which expiry an index trades. Strikes are integer paise.

Source: REQUIREMENTS 10.1, 10.2.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from enum import StrEnum
from itertools import pairwise

from scalper.domain.instruments import OptionType
from scalper.domain.units import round_half_away

#: Listed strikes on each side of the money between which the interval is measured.
NEAR_THE_MONEY = 10
#: Candidates go this many intervals out of the money.
STEPS_MAX = 3
#: Candidates that are kept, nearest the money first.
TARGETS_MAX = 3

#: Interval of an index whose listed strikes do not show one.
FALLBACK_INTERVAL_PAISE: Mapping[str, int] = {"NIFTY": 50_00, "BANKNIFTY": 100_00, "SENSEX": 100_00}


class ExpiryPolicy(StrEnum):
    """WEEKLY takes the nearest expiry of any kind, MONTHLY the nearest that ends its month."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


#: Policies by the first day they hold on; NSE ended the weekly BANKNIFTY contracts in November 2024.
DEFAULT_POLICIES: Mapping[str, Mapping[date, ExpiryPolicy]] = {
    "NIFTY": {date.min: ExpiryPolicy.WEEKLY},
    "BANKNIFTY": {date.min: ExpiryPolicy.WEEKLY, date(2024, 11, 14): ExpiryPolicy.MONTHLY},
    "SENSEX": {date.min: ExpiryPolicy.WEEKLY},
}


def strike_interval(strikes_paise: Iterable[int], spot_paise: int, fallback_paise: int | None = None) -> int | None:
    """The smallest gap between the listed strikes near the money; wings are listed more thinly and do not count.

    Args:
        strikes_paise: Listed strikes in any order, repeats allowed.
        spot_paise: Value of the index.
        fallback_paise: What to say when fewer than two strikes are listed.

    Source: REQUIREMENTS 10.2.
    """
    listed = sorted(set(strikes_paise))
    money = bisect_left(listed, spot_paise)
    near = listed[max(money - NEAR_THE_MONEY, 0) : money + NEAR_THE_MONEY]
    return min((upper - lower for lower, upper in pairwise(near)), default=fallback_paise)


def atm_strike(spot_paise: int, interval_paise: int) -> int:
    """The strike on the interval nearest to spot, halves away from zero; it need not be listed.

    Raises:
        ValueError: The interval is not positive.

    Source: REQUIREMENTS 1.1, 10.2.
    """
    return round_half_away(spot_paise, interval_paise) * interval_paise


def listed_atm_strike(strikes_paise: Collection[int], spot_paise: int, interval_paise: int) -> int | None:
    """The at-the-money strike; where it is not listed the nearest listed one stands for it.

    Of two that are equally near, the one nearer to spot, then the lower. None when nothing is listed.

    Source: REQUIREMENTS 10.2.
    """
    atm = atm_strike(spot_paise, interval_paise)
    return min(
        strikes_paise, key=lambda strike: (abs(strike - atm), abs(strike - spot_paise), strike), default=None
    )  # fmt: skip


def target_strikes(
    option_type: OptionType, strikes_paise: Collection[int], spot_paise: int, interval_paise: int
) -> tuple[int, ...]:
    """The candidates of an entry: at the money and out of it, nearest first, at most three, all of them listed.

    Calls go up from the at-the-money strike, puts down; a step that is not listed is passed over.

    Source: REQUIREMENTS 10.2.
    """
    atm = listed_atm_strike(strikes_paise, spot_paise, interval_paise)
    if atm is None:
        return ()
    step = interval_paise if option_type is OptionType.CE else -interval_paise
    wanted = (atm + step * count for count in range(STEPS_MAX + 1))
    return tuple(strike for strike in wanted if strike in strikes_paise)[:TARGETS_MAX]


def expiries_from(texts: Iterable[str | None]) -> tuple[date, ...]:
    """The dates of an expiry list, ascending and without repeats; what is no date is dropped.

    Source: REQUIREMENTS 10.1.
    """
    return tuple(sorted({day for text in texts if (day := _date_or_none(text)) is not None}))


def monthly_expiries(expiries: Iterable[date]) -> frozenset[date]:
    """The last expiry of each calendar month of a list; only for masters that do not flag them.

    A list that stops in the middle of a month calls its last date monthly.
    """
    last: dict[tuple[int, int], date] = {}
    for day in sorted(expiries):
        last[day.year, day.month] = day
    return frozenset(last.values())


def policy_on(policies: Mapping[date, ExpiryPolicy], day: date) -> ExpiryPolicy:
    """The policy that holds on `day`, from rows by the first day they hold on.

    Raises:
        ValueError: The day lies before the first row.

    Source: REQUIREMENTS 16, `indices[].expiry_policy`.
    """
    held = [policy for first_day, policy in sorted(policies.items()) if first_day <= day]
    if not held:
        raise ValueError(f"no expiry policy for {day}: the first row begins on {min(policies, default=None)}")
    return held[-1]


def expiry_for(
    policy: ExpiryPolicy,
    expiries: Collection[date],
    today: date,
    *,
    flagged_monthly: Collection[date] = (),
    is_expiry_day_allowed: bool = True,
) -> date | None:
    """The expiry to trade: the nearest from today on that the policy accepts; None when the list has none.

    Args:
        policy: WEEKLY takes any expiry, MONTHLY only those that end their month.
        expiries: All listed expiries; past ones do not count as candidates.
        today: The trading day; an expiry of today counts.
        flagged_monthly: Expiries that the master flags; when it flags none, the last of each month counts.
        is_expiry_day_allowed: False leaves out an expiry of today.

    Source: REQUIREMENTS 10.1.
    """
    coming = [day for day in expiries if day > today or (day == today and is_expiry_day_allowed)]
    if policy is ExpiryPolicy.MONTHLY:
        monthly = flagged_monthly or monthly_expiries(expiries)
        coming = [day for day in coming if day in monthly]
    return min(coming, default=None)


def _date_or_none(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
