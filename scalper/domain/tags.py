"""What an order is called: tags for people and rows, correlation ids for the broker's order book.

Source: REQUIREMENTS 13.1.
"""

from __future__ import annotations

import re
from datetime import datetime

from scalper.domain.instruments import OptionType
from scalper.domain.reasons import ExitReason
from scalper.domain.rules import ExitRules

#: What every broker door accepts.
CORRELATION_LEN_MAX = 25

_ALPHABET = re.compile(r"[A-Za-z0-9_-]+")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
#: Shortened before anything is cut off.
_LONG_INDEX, _SHORT_INDEX = "BANKNIFTY", "BNKNFTY"

_FIXED_TAGS = {
    ExitReason.KILL_SWITCH: "kill_switch",
    ExitReason.MANUAL: "manual_exit",
    ExitReason.UNDERLYING_STRUCTURE: "underlying_structure_break",
    ExitReason.UNDERLYING_TREND: "underlying_trend_weak",
    ExitReason.UNDERLYING_ATR: "underlying_atr_collapse",
    ExitReason.TRAILING_TIER: "trailing_tier",
    ExitReason.PEAK_DRAWDOWN: "peak_drawdown_exit",
    ExitReason.RECONCILE: "reconcile_exit",
}


def entry_tag(index_key: str, option_type: OptionType, strike_paise: int) -> str:
    """`entry_NIFTY_CE_25750`; a strike of 25750.50 rupees reads `25750_5`.

    Source: REQUIREMENTS 13.1.
    """
    return f"entry_{index_key}_{option_type}_{_hundredths(strike_paise)}"


def exit_tag(reason: ExitReason, rules: ExitRules, *, session_end_at: datetime, time_exit_at: datetime) -> str:
    """The one tag of an exit reason, with the numbers the trader configured.

    Percents are whole where they can be (0.30 gives `stop_loss_30pct`); the point of a fraction is written as an
    underscore (0.125 gives `stop_loss_12_5pct`), since the broker takes no point.

    Args:
        reason: Why the position is left.
        rules: The configured shares.
        session_end_at: Session end of the day, Asia/Kolkata.
        time_exit_at: Time exit of the day, Asia/Kolkata.

    Source: REQUIREMENTS 13.1.
    """
    match reason:
        case ExitReason.CIRCUIT_BREAKER:
            return f"circuit_breaker_{_hundredths(rules.circuit_limit_bps)}pct"
        case ExitReason.TIME_EXIT:
            return f"time_exit_{time_exit_at:%H%M}"
        case ExitReason.SESSION_END:
            return f"session_end_{session_end_at:%H%M}"
        case ExitReason.STOP_LOSS:
            return f"stop_loss_{_hundredths(rules.stop_loss_bps)}pct"
        case ExitReason.TAKE_PROFIT:
            return f"take_profit_{_hundredths(rules.take_profit_bps)}pct"
        case ExitReason.TRAILING_STOP:
            return f"trailing_stop_{_hundredths(rules.exit_drop_bps)}pct"
        case _:
            return _FIXED_TAGS[reason]


def correlation_id(
    tag: str, number: int, *, attempt: int = 0, slice_no: int = 0, max_len: int = CORRELATION_LEN_MAX
) -> str:
    """What the broker echoes for one order: `stop_loss_30pct-1a`, its second attempt `stop_loss_30pct-1a_b`.

    What follows the last dash tells (number, attempt, slice) apart on its own, also where letter case is ignored, so
    the tag may be cut: `_` and letters for the attempt, once more for a slice after the first. The index is shortened
    before the tag is cut.

    Args:
        tag: Entry or exit tag.
        number: The intent's number of the account's day, >= 0.
        attempt: From 0; each attempt is an order of its own.
        slice_no: From 0; each slice is an order of its own.
        max_len: Longest id the broker takes.

    Returns:
        1 to `max_len` characters of `[A-Za-z0-9_-]`.

    Raises:
        ValueError: A character the broker refuses, a negative number, or no room for any of the tag.

    Source: REQUIREMENTS 13.1, 13.2.
    """
    if not _ALPHABET.fullmatch(tag):
        raise ValueError(f"tag may hold A-Z, a-z, 0-9, _ and - only, got {tag!r}")
    ending = "-" + _written(number, _DIGITS)
    if attempt or slice_no:
        ending += "_" + _written(attempt, _LETTERS)
    if slice_no:
        ending += "_" + _written(slice_no, _LETTERS)
    room = max_len - len(ending)
    if room < 1:
        raise ValueError(f"no room for a tag: {ending!r} alone fills {max_len} characters")
    if len(tag) > room:
        tag = tag.replace(_LONG_INDEX, _SHORT_INDEX)
    return tag[:room] + ending


def _hundredths(value: int) -> str:
    whole, part = divmod(value, 100)
    return f"{whole}_{part:02d}".rstrip("0") if part else str(whole)


def _written(number: int, digits: str) -> str:
    if number < 0:
        raise ValueError(f"numbers of an order start at 0, got {number}")
    number, last = divmod(number, len(digits))
    text = digits[last]
    while number:
        number, last = divmod(number, len(digits))
        text = digits[last] + text
    return text
