"""What can be quoted and traded, as the morning's instrument file tells it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec


class InstrumentKind(StrEnum):
    """An index is watched; an option is bought and sold."""

    INDEX = "INDEX"
    OPTION = "OPTION"


class OptionType(StrEnum):
    """Call or put."""

    CE = "CE"
    PE = "PE"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the day's master.

    Attributes:
        key: `"{segment}:{security_id}"`, the only key for ticks, subscriptions and indices.
        segment: `IDX_I`, `NSE_FNO` or `BSE_FNO`.
        security_id: The broker's id: a string, unique only with its segment.
        underlying: Index key, `NIFTY`, `BANKNIFTY` or `SENSEX`; of an index, its own.
        symbol: `NIFTY`, or `NIFTY-Nov2025-25750-CE` of an option.
        lot_size: Units in a lot; 1 of an index.
        tick_size_paise: Smallest price step.
        expiry, strike_paise, option_type: None of an index.
        is_monthly: The last expiry of its month.
        freeze_quantity: The exchange's freeze number in units; 0 when the file gives none.
    """

    key: str
    segment: str
    security_id: str
    kind: InstrumentKind
    underlying: str
    symbol: str
    lot_size: int
    tick_size_paise: int
    expiry: date | None = None
    strike_paise: int | None = None
    option_type: OptionType | None = None
    is_monthly: bool = False
    freeze_quantity: int = 0


def instrument_key(segment: str, security_id: str) -> str:
    """The key of ticks and subscriptions; the segment compares upper-case."""
    return f"{segment.upper()}:{security_id}"


def option_symbol(underlying: str, expiry: date, strike_paise: int, option_type: OptionType) -> str:
    """`NIFTY-Nov2025-25750-CE` (index, month and year of expiry, strike in rupees, type)."""
    rupees, paise = divmod(strike_paise, 100)
    strike = f"{rupees}.{paise:02d}".rstrip("0") if paise else str(rupees)
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{underlying}-{months[expiry.month - 1]}{expiry.year}-{strike}-{option_type}"
