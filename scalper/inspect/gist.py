"""What a letter says, in one line: names and numbers with their units, nothing that is empty."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from scalper.domain.quotes import Candle, Tick
from scalper.domain.times import ist_from_us
from scalper.runtime.message_log import Line

#: What every letter has, what stands elsewhere in the line, and what is too long for one.
_LEFT_OUT = frozenset(
    ("at", "evidence", "figures", "gates", "verdicts", "day", "account_id", "request", "reply_to", "broker_order_id")
)
#: Prices for which 0 stands for none.
_NONE_AT_ZERO = frozenset(("entry_price_paise", "limit_price_paise", "bid_paise", "ask_paise", "target_paise"))
#: A value in a letter is told by these of its fields: which one it is, and how it stands.
_OF_A_VALUE = (
    "id",
    "symbol",
    "index_key",
    "direction",
    "status",
    "reason",
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
    (
        "id",
        "symbol",
        "index_key",
        "direction",
        "status",
        "reason",
        "tag",
        "side",
        "purpose",
        "text",
        "state",
        "correlation_id",
        "ticks",
        "quote",
        "candle",
    )
)
_UNITS = ("_paise", "_us", "_bps")


def gist(body: Mapping[str, Any], without: Collection[str] = ()) -> str:
    """The fields of a body that are not empty, in their order, short; without those the reader knows already."""
    return ", ".join(
        _told(name, value)
        for name, value in body.items()
        if name not in _LEFT_OUT and name not in without and _says(name, value)
    )


def tick_gist(tick: Tick) -> str:
    """A tick with its quote and the time at which the exchange made it."""
    quote = f" bid {_rupees(tick.bid_paise)} ask {_rupees(tick.ask_paise)}" if tick.bid_paise or tick.ask_paise else ""
    return f"{tick.key} LTP {_rupees(tick.ltp_paise)}{quote}, made {_clock(tick.at_us)}"


def letter_line(line: Line) -> str:
    """One letter in one line."""
    at = f"{line.at:%H:%M:%S.%f}"[:-3]
    says = gist(msgspec.json.decode(bytes(line.body)))
    return f"{line.seq:>7} {at} {line.type:<20} {line.sender:<20} {says}"


def _says(name: str, value: Any) -> bool:
    return value not in (None, "", [], {}) and not (name in _NONE_AT_ZERO and value == 0)


def _told(name: str, value: Any) -> str:
    told = _value_told(name, value)
    return told if name in _UNNAMED or name == "instrument" else f"{_words(name)} {told}"


def _value_told(name: str, value: Any) -> str:
    if name == "ticks":
        return "; ".join("no tick" if tick is None else tick_gist(Tick(*tick)) for tick in value)
    if name == "quote":
        return tick_gist(Tick(*value))
    if name == "candle":
        return _candle_told(Candle(*value))
    if isinstance(value, dict):
        return _struct_told(value)
    if isinstance(value, list):
        return _list_told(value)
    return _scalar_told(name, value)


def _struct_told(value: Mapping[str, Any]) -> str:
    """Of a position, an intent, an order, an instrument: which one, and how it stands."""
    told = dict(value)
    instrument = told.get("instrument")
    if isinstance(instrument, dict):
        told["symbol"] = instrument["symbol"]
    if "correlation_id" in told:
        # It says all that the id says.
        del told["id"]
    names = [name for name in _OF_A_VALUE if _says(name, told.get(name))]
    texts = [(name, _scalar_told(name, told[name])) for name in names]
    return ", ".join(text if name in _UNNAMED else f"{_words(name)} {text}" for name, text in texts)


def _list_told(values: list[Any]) -> str:
    if all(isinstance(value, str) for value in values):
        return " ".join(values)
    if len(values) == 1 and isinstance(values[0], dict):
        return _struct_told(values[0])
    return f"({len(values)})"


def _candle_told(candle: Candle) -> str:
    prices = " ".join(
        f"{name} {_rupees(paise)}"
        for name, paise in (
            ("open", candle.open_paise),
            ("high", candle.high_paise),
            ("low", candle.low_paise),
            ("close", candle.close_paise),
        )
    )
    return f"candle of {_clock(candle.start_us)[:5]} {prices}"


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
        return f"{datetime.fromisoformat(value):%H:%M:%S.%f}"[:-3]
    if name == "order_id":
        return str(value).rpartition("/")[2]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _rupees(paise: int) -> str:
    return f"{paise / 100:.2f}"


def _clock(at_us: int) -> str:
    return f"{ist_from_us(at_us):%H:%M:%S.%f}"[:-3]
