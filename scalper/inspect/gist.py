"""What a letter says, in one line: names and numbers with their units, nothing that is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from scalper.domain.quotes import Tick
from scalper.domain.times import ist_from_us
from scalper.runtime.message_log import Line

#: What every letter has, what stands elsewhere in the line, and what is too long for one.
_LEFT_OUT = frozenset(
    ("at", "evidence", "figures", "gates", "verdicts", "day", "account_id", "request", "reply_to", "broker_order_id")
)
#: A value in a letter is told by these of its fields: which one it is, and how it stands.
_OF_A_VALUE = (
    "id",
    "symbol",
    "index_key",
    "direction",
    "status",
    "reason",
    "tag",
    "correlation_id",
    "quantity",
    "ordered_quantity",
    "entry_price_paise",
    "limit_price_paise",
    "stop_paise",
    "stop_source",
    "hwm_ltp_paise",
    "ltp_paise",
    "adx",
)
#: Values that speak for themselves, without a name before them.
_UNNAMED = frozenset(
    ("symbol", "index_key", "direction", "status", "reason", "tag", "side", "purpose", "text", "verdict", "state")
)
_UNITS = ("_paise", "_us", "_bps")


def gist(body: Mapping[str, Any]) -> str:
    """The fields of a body that are not empty, in their order, short."""
    return ", ".join(_told(name, value) for name, value in body.items() if name not in _LEFT_OUT and _says(value))


def tick_gist(tick: Tick) -> str:
    """A tick with its quote and the time at which the exchange made it."""
    quote = f" bid {_rupees(tick.bid_paise)} ask {_rupees(tick.ask_paise)}" if tick.bid_paise or tick.ask_paise else ""
    return f"{tick.key} LTP {_rupees(tick.ltp_paise)}{quote}, made {_clock(tick.at_us)}"


def letter_line(line: Line) -> str:
    """One letter in one line."""
    at = f"{line.at:%H:%M:%S.%f}"[:-3]
    says = gist(msgspec.json.decode(bytes(line.body)))
    return f"{line.seq:>7} {at} {line.type:<20} {line.sender:<20} {says}"


def _says(value: Any) -> bool:
    return value not in (None, "", [], {})


def _told(name: str, value: Any) -> str:
    if isinstance(value, dict):
        told = _value_told(value)
        return told if name == "instrument" else f"{_words(name)} {told}"
    if isinstance(value, list):
        return _list_told(name, value)
    told = _scalar_told(name, value)
    return told if name in _UNNAMED else f"{_words(name)} {told}"


def _value_told(value: Mapping[str, Any]) -> str:
    """Of a position, an intent, an order, an instrument: which one, and how it stands."""
    instrument = value.get("instrument")
    told = {**value, "symbol": instrument["symbol"]} if isinstance(instrument, dict) else value
    return ", ".join(
        text if name in _UNNAMED or name == "id" else f"{_words(name)} {text}"
        for name, text in ((name, _scalar_told(name, told[name])) for name in _OF_A_VALUE if _says(told.get(name)))
    )


def _list_told(name: str, values: list[Any]) -> str:
    if len(values) == 1 and isinstance(values[0], dict):
        return f"{_words(name).removesuffix('s')} {_value_told(values[0])}"
    if all(isinstance(value, str) for value in values):
        return f"{_words(name)} {' '.join(values)}"
    return f"{len(values)} {_words(name)}"


def _words(name: str) -> str:
    for unit in _UNITS:
        name = name.removesuffix(unit)
    return name.replace("_", " ").replace("ltp", "LTP").replace("pnl", "P&L").removeprefix("is ")


def _scalar_told(name: str, value: Any) -> str:
    if name.endswith("_paise"):
        return _rupees(value)
    if name.endswith("_us"):
        return _clock(value)
    if name.endswith("_bps"):
        return f"{value / 100:g}%"
    if name.endswith("_at"):
        return str(value)[11:23]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _rupees(paise: int) -> str:
    return f"{paise / 100:.2f}"


def _clock(at_us: int) -> str:
    return f"{ist_from_us(at_us):%H:%M:%S.%f}"[:-3]
