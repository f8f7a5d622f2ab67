"""Reads the two tables a trader may correct, session times and charges, into domain values.

The files are read as text with line numbers, so that a rate is never a binary float and a fault names its line. Several
files are laid over each other: rows are added, a row with the same date replaces the earlier one.

Source: REQUIREMENTS 2 and 15.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import yaml

from scalper.domain.calendar import (
    NO_NEW_ENTRIES_BEFORE_END,
    SESSION_END_BEFORE_END,
    TIME_EXIT_BEFORE_END,
    Calendar,
    SessionRow,
)
from scalper.domain.charges import PPB, ChargeTable, Exchange
from scalper.errors import ConfigError

T = TypeVar("T")

_CONF = Path(__file__).resolve().parents[1] / "conf"

_LADDER = ("opens", "entries_from", "no_new_entries", "session_end", "time_exit", "closes")
#: A special session that names no other moment lets entries begin this long after its open, as an ordinary day does.
_ENTRIES_AFTER_OPEN = timedelta(minutes=5)
#: Parts per billion in one percent.
_PPB_PER_PCT = PPB // 100
_DAY_SECTIONS = ("holidays", "trading_days", "special_sessions")
_COMMON_RATES = ("stt", "sebi", "stamp", "gst")
_EXCHANGE_RATES = ("exchange", "ipft")


def load_calendar(*paths: Path, is_exchange_holiday: Callable[[date], bool] | None = None) -> Calendar:
    """The calendar of one or more files, the later ones laid over the earlier.

    Args:
        paths: Files in the form of conf/calendar.yaml.
        is_exchange_holiday: Stands in for the holidays package, whose import waits for the first day that needs it.

    Raises:
        ConfigError: A file cannot be read, or holds something else than rows of dates and times; one line per fault.

    Source: REQUIREMENTS 2.
    """
    defaults: dict[date, SessionRow] = {}
    days: dict[date, tuple[str, SessionRow | None]] = {}
    for path in paths:
        page = _Page(path)
        sections = page.sections(("default_times", *_DAY_SECTIONS))
        defaults |= page.dated("default_times", sections.get("default_times"), _DEFAULT_KEYS, page.session_row)
        for section in _DAY_SECTIONS:
            found = _days_of(page, section, sections.get(section))
            page.refuse_repeats(found, section, sections)
            days |= {day: (section, row) for day, row in found.items()}
        page.close()
    return _built(
        paths,
        lambda: Calendar(
            default_rows=defaults,
            special_sessions={day: row for day, (_, row) in days.items() if row is not None},
            extra_holidays=frozenset(day for day, (section, _) in days.items() if section == "holidays"),
            extra_trading_days=frozenset(day for day, (section, _) in days.items() if section == "trading_days"),
            is_exchange_holiday=is_exchange_holiday or is_xnse_holiday,
        ),
    )


def shipped_calendar() -> Calendar:
    """The calendar of `conf/calendar.yaml`."""
    return load_calendar(_CONF / "calendar.yaml")


def shipped_charges() -> ChargeTable:
    """The rates of `conf/charges.yaml`."""
    return load_charges(_CONF / "charges.yaml")


def load_charges(*paths: Path) -> ChargeTable:
    """The charges of one or more files, the later ones laid over the earlier.

    Raises:
        ConfigError: A file cannot be read, a component is missing or unknown, or a rate is no number; a line per fault.
    """
    rates: dict[tuple[str, ...], dict[date, int]] = {}
    for path in paths:
        page = _Page(path)
        sections = page.sections(("brokerage", *_COMMON_RATES, *_EXCHANGE_RATES))
        for name, node in sections.items():
            parts = page.exchanges(name, node) if name in _EXCHANGE_RATES else {(name,): node}
            for key, part in parts.items():
                column, scale = ("rupees", 100) if name == "brokerage" else ("pct", _PPB_PER_PCT)
                keys = _Keys("from", (column,), ("source",))
                rows = page.dated(".".join(key), part, keys, page.rate_reader(column, scale))
                rates.setdefault(key, {}).update(rows)
        page.close()

    def by_exchange(name: str) -> dict[Exchange, dict[date, int]]:
        return {exchange: rates.get((name, exchange), {}) for exchange in Exchange}

    common = {f"{name}_ppb": rates.get((name,), {}) for name in _COMMON_RATES}
    return _built(
        paths,
        lambda: ChargeTable(
            brokerage_paise=rates.get(("brokerage",), {}),
            exchange_ppb=by_exchange("exchange"),
            ipft_ppb=by_exchange("ipft"),
            **common,
        ),
    )


def is_xnse_holiday(day: date) -> bool:
    """Whether the holidays package lists `day` for the National Stock Exchange; imports it on first use."""
    return day in _xnse()


@cache
def _xnse() -> Any:
    # The package takes 0.15 s to import and fill, half of what a start may take; it waits until it is needed.
    import holidays

    return holidays.financial_holidays("XNSE")


def _built(paths: Iterable[Path], build: Callable[[], T]) -> T:
    try:
        return build()
    except ValueError as error:
        raise ConfigError(f"{', '.join(map(str, paths))}: {error}") from error


class _Cell(NamedTuple):
    text: str
    line: int


class _Keys(NamedTuple):
    date: str
    required: tuple[str, ...]
    optional: tuple[str, ...]


_DEFAULT_KEYS = _Keys("from", _LADDER, ("index_still_from", "source"))
_SPECIAL_KEYS = _Keys("day", ("opens", "closes"), (*_LADDER[1:-1], "index_still_from", "name"))
_DAY_KEYS = _Keys("day", (), ("name",))


class _Page:
    """One file while it is read: collects every fault before it complains."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._faults: list[str] = []
        self._seen_days: dict[date, str] = {}

    def sections(self, allowed: tuple[str, ...]) -> dict[str, yaml.Node]:
        """The top-level keys of the file; an empty file has none."""
        try:
            root = yaml.compose(self._path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be read: {error.strerror}") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._path}: is not YAML: {error}") from error
        return {} if root is None else self._mapping(root, "the file", allowed)

    def exchanges(self, name: str, node: yaml.Node) -> dict[tuple[str, ...], yaml.Node]:
        """A section that is divided by exchange."""
        return {(name, venue): part for venue, part in self._mapping(node, name, tuple(Exchange)).items()}

    def dated(
        self,
        section: str,
        node: yaml.Node | None,
        keys: _Keys,
        read: Callable[[str, dict[str, _Cell]], T | None],
    ) -> dict[date, T]:
        """The rows of a section by their date; rows with a fault are left out and reported."""
        found: dict[date, T] = {}
        for row in self._rows(section, node, keys):
            if keys.date not in row:
                continue
            day = self._value(section, keys.date, row[keys.date], date.fromisoformat, "a date YYYY-MM-DD")
            value = read(section, row)
            if day is None or value is None:
                continue
            if day in found:
                self._fault(row[keys.date].line, f"{section}.{keys.date}", str(day), "each date once")
            found[day] = value
        return found

    def session_row(self, section: str, row: dict[str, _Cell]) -> SessionRow | None:
        """The ladder of one row; steps that are left out are counted from its open and close."""
        clocks = {
            key: self._value(section, key, row[key], _clock, 'a time "HH:MM"')
            for key in (*_LADDER, "index_still_from")
            if key in row
        }
        opens, closes = clocks.get("opens"), clocks.get("closes")
        if opens is None or closes is None or None in clocks.values():
            return None
        ladder = _ladder(opens, closes) | clocks
        try:
            return msgspec.convert(ladder, SessionRow)
        except msgspec.ValidationError as error:
            self._fault(row["opens"].line, section, "steps out of order", str(error))
            return None

    def rate_reader(self, column: str, scale: int) -> Callable[[str, dict[str, _Cell]], int | None]:
        """Reads one column as an exact multiple of 1/scale."""

        def read(section: str, row: dict[str, _Cell]) -> int | None:
            if column not in row:
                return None
            expected = f"a number with steps no finer than 1/{scale}, zero or more"
            return self._value(section, column, row[column], lambda text: _scaled(text, scale), expected)

        return read

    def refuse_repeats(self, days: Iterable[date], section: str, sections: dict[str, yaml.Node]) -> None:
        """A day stands in one section of a file only."""
        for day in days:
            if day in self._seen_days:
                line = sections[section].start_mark.line + 1
                self._fault(line, section, f"{day}, which {self._seen_days[day]} has too", "a day in one section only")
            self._seen_days[day] = section

    def close(self) -> None:
        """Complain of all faults at once.

        Raises:
            ConfigError: There was at least one.
        """
        if self._faults:
            raise ConfigError("\n".join(self._faults))

    def _rows(self, section: str, node: yaml.Node | None, keys: _Keys) -> list[dict[str, _Cell]]:
        if node is None or _is_empty(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self._fault(node.start_mark.line + 1, section, _name(node), "a list of rows")
            return []
        return [self._row(section, each, keys) for each in node.value]

    def _row(self, section: str, node: yaml.Node, keys: _Keys) -> dict[str, _Cell]:
        row = {}
        required = (keys.date, *keys.required)
        for key, value in self._mapping(node, section, (*required, *keys.optional)).items():
            if isinstance(value, yaml.ScalarNode):
                row[key] = _Cell(value.value, value.start_mark.line + 1)
            else:
                self._fault(value.start_mark.line + 1, f"{section}.{key}", _name(value), "one value")
        for key in required:
            if key not in row:
                self._fault(node.start_mark.line + 1, f"{section}.{key}", "nothing", "a value in every row")
        return row

    def _mapping(self, node: yaml.Node, where: str, allowed: tuple[str, ...]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fault(node.start_mark.line + 1, where, _name(node), "keys with values")
            return {}
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key not in allowed:
                self._fault(line, where, f"key {key!r}", f"one of {', '.join(allowed)}")
            elif key in found:
                self._fault(line, where, f"key {key!r} twice", "each key once")
            else:
                found[key] = value
        return found

    def _value(self, section: str, key: str, cell: _Cell, parse: Callable[[str], T], expected: str) -> T | None:
        try:
            return parse(cell.text)
        except (ValueError, ArithmeticError):
            self._fault(cell.line, f"{section}.{key}", repr(cell.text), expected)
            return None

    def _fault(self, line: int, key: str, found: str, expected: str) -> None:
        self._faults.append(f"{self._path}, line {line}: {key}: found {found}, expected {expected}")


def _days_of(page: _Page, section: str, node: yaml.Node | None) -> dict[date, SessionRow | None]:
    if section == "special_sessions":
        return dict(page.dated(section, node, _SPECIAL_KEYS, page.session_row))
    named = page.dated(section, node, _DAY_KEYS, lambda _, row: row)
    return dict.fromkeys(named)


def _ladder(opens: time, closes: time) -> dict[str, time | None]:
    """The steps of a session of which only the ends are known; none before its open."""
    start, end = (datetime.combine(date.min, each) + timedelta(days=1) for each in (opens, closes))
    return {
        "entries_from": min(start + _ENTRIES_AFTER_OPEN, max(end - NO_NEW_ENTRIES_BEFORE_END, start)).time(),
        "no_new_entries": max(end - NO_NEW_ENTRIES_BEFORE_END, start).time(),
        "session_end": max(end - SESSION_END_BEFORE_END, start).time(),
        "time_exit": max(end - TIME_EXIT_BEFORE_END, start).time(),
    }


def _clock(text: str) -> time:
    return datetime.strptime(text, "%H:%M").time()


def _scaled(text: str, scale: int) -> int:
    exact = Decimal(text) * scale
    if not exact.is_finite() or exact != int(exact) or exact < 0:
        raise ValueError(text)
    return int(exact)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")


def _name(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value)
    return "a list" if isinstance(node, yaml.SequenceNode) else "a table of keys"
