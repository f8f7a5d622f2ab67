"""The contract at the money of the expiry that the index's policy trades.

Source: REQUIREMENTS 10.1, 10.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from scalper.domain.direction import Direction
from scalper.domain.instruments import Instrument, OptionType
from scalper.domain.strikes import ExpiryPolicy, expiry_for, listed_atm_strike, strike_interval


class PickRules(msgspec.Struct, frozen=True, kw_only=True):
    """How one index picks its contract.

    Attributes:
        policy: Of the day.
        is_expiry_day_allowed: Whether a contract that expires today may be bought.
        interval_fallback_paise: Gap of strikes where the list does not show one.
    """

    policy: ExpiryPolicy
    is_expiry_day_allowed: bool
    interval_fallback_paise: int


def at_the_money(
    contracts: Iterable[Instrument],
    *,
    index_key: str,
    direction: Direction,
    spot_paise: int,
    day: date,
    rules: PickRules,
) -> tuple[Instrument | None, str]:
    """The contract, and an empty reason; or None and why there is none."""
    option_type = OptionType.CE if direction is Direction.BULLISH else OptionType.PE
    listed = [one for one in contracts if one.underlying == index_key and one.option_type is option_type]
    expiry = expiry_for(
        rules.policy,
        {one.expiry for one in listed if one.expiry is not None},
        day,
        flagged_monthly={one.expiry for one in listed if one.expiry is not None and one.is_monthly},
        is_expiry_day_allowed=rules.is_expiry_day_allowed,
    )
    by_strike = {one.strike_paise: one for one in listed if one.expiry == expiry and one.strike_paise is not None}
    if expiry is None or not by_strike:
        return None, f"no {rules.policy} {option_type} contract of {index_key} from {day} on"
    interval = strike_interval(by_strike, spot_paise, rules.interval_fallback_paise)
    if interval is None:
        return None, f"the strikes of {index_key} show no interval"
    strike = listed_atm_strike(by_strike, spot_paise, interval)
    return (by_strike[strike], "") if strike is not None else (None, f"no strike of {index_key} is listed")
