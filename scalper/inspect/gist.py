"""What a letter says, in one line: names and numbers with their units, nothing that is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scalper.domain.quotes import Tick
from scalper.domain.times import ist_from_us

#: What every letter has, or what stands elsewhere in the line.
_LEFT_OUT = frozenset({"at", "evidence", "figures", "gates", "verdicts", "day", "account_id", "exchange_trade_id"})
#: Of a value in a letter: the fields that tell which one it is and how it stands.
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
    "net_paise",
)


def gist(body: Mapping[str, Any]) -> str:
    """The fields of a body that are not empty, in their order, short."""
    return ", ".join(_told(name, value) for name, value in body.items() if name not in _LEFT_OUT and _says(value))


def tick_gist(tick: Tick) -> str:
    """A tick with its quote and the time at which the exchange made it."""
    quote = f" bid {_rupees(tick.bid_paise)} ask {_rupees(tick.ask_paise)}" if tick.bid_paise or tick.ask_paise else ""
    return f"{tick.key} LTP {_rupees(tick.ltp_paise)}{quote}, made {_clock(tick.at_us)}"


def _says(value: Any) -> bool:
    return value not in (None, "", [], {})


def _told(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{_words(name)} ({_value_told(value)})"
    if isinstance(value, list):
        return _list_told(name, value)
    return f"{_words(name)} {_scalar_told(name, value)}"


def _value_told(value: Mapping[str, Any]) -> str:
    """Of a position, an intent, an order, an instrument: which one, and how it stands."""
    told = dict(value)
    instrument = told.pop("instrument", None)
    if isinstance(instrument, dict):
        told["symbol"] = instrument.get("symbol")
    return ", ".join(
        f"{_words(name)} {_scalar_told(name, told[name])}".removeprefix("id ").removeprefix("symbol ")
        for name in _OF_A_VALUE
        if _says(told.get(name))
    )


def _list_told(name: str, values: list[Any]) -> str:
    if len(values) == 1 and isinstance(values[0], dict):
        return f"{_words(name)} ({_value_told(values[0])})"
    if all(isinstance(value, str) for value in values):
        return f"{_words(name)} {' '.join(values)}"
    return f"{len(values)} {_words(name)}"


def _words(name: str) -> str:
    for unit in ("_paise", "_us", "_bps"):
        name = name.removesuffix(unit)
    return name.replace("_", " ").replace("ltp", "LTP").replace("pnl", "P&L").removeprefix("is ")


def _scalar_told(name: str, value: Any) -> str:
    if name.endswith("_paise"):
        return _rupees(value)
    if name.endswith("_us"):
        return _clock(value)
    if name.endswith("_bps"):
        return f"{value / 100:g}%"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _rupees(paise: int) -> str:
    return f"{paise / 100:.2f}"


def _clock(at_us: int) -> str:
    return f"{ist_from_us(at_us):%H:%M:%S.%f}"[:-3]
