"""What a configuration value may be, and how it becomes a value in house units.

A kind stands in the annotation of a schema field. It reads one YAML node into paise, basis points, milliseconds and
the like, shows such a value as YAML again, and says in words what it expects. Numbers are read from their own text,
exactly: what is finer than the house unit is refused, never rounded in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlsplit

import yaml

from scalper.domain.units import BPS, bps_from_ratio, paise_from_rupees

#: A decimal number as people write it. YAML 1.1 would read 010 as 8 and 15:00 as 900; neither matches here.
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9_]*)(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
#: Longest piece of a found value that a report repeats.
_FOUND_CHARS_MAX = 60


class Mismatch(Exception):
    """A node is not what its kind expects; carries what was expected, or the reason, in words."""


def is_null(node: yaml.Node) -> bool:
    """True when the node says nothing: a bare key, `~` or `null`."""
    return bool(node.tag == "tag:yaml.org,2002:null")


def is_plain(node: yaml.Node) -> bool:
    """True of an unquoted scalar."""
    return isinstance(node, yaml.ScalarNode) and not node.style


def found(node: yaml.Node) -> str:
    """What a node holds, in words for a report: `"abc" (text)`, `30`, `nothing`, `a list`."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if is_null(node):
        return "nothing"
    text: str = node.value if len(node.value) <= _FOUND_CHARS_MAX else node.value[:_FOUND_CHARS_MAX] + "..."
    if is_plain(node) and _NUMBER.fullmatch(node.value):
        return text
    return f'"{text}" (yes or no)' if node.tag.endswith(":bool") else f'"{text}" (text)'


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One sort of value.

    Attributes:
        key: Name in YAML where it differs from the field's.
        blank: What a bare key means where None is not allowed; None = a bare key is a fault.
    """

    key: str | None = None
    blank: Any = None
    #: True when the value may hold a password: reports do not repeat it.
    is_secret: ClassVar[bool] = False

    @property
    def expected(self) -> str:
        """What is allowed, in words."""
        raise NotImplementedError

    def read(self, node: yaml.Node) -> Any:
        """The value in house units.

        Raises:
            Mismatch: The node holds something else.
        """
        raise NotImplementedError

    def show(self, value: Any) -> Any:
        """The value as YAML holds it."""
        return value


@dataclass(frozen=True, kw_only=True)
class _Numeric(Kind):
    """A number between two limits, both allowed, given in YAML's unit."""

    low: float
    high: float
    #: House units in one YAML unit.
    scale: ClassVar[int] = 1
    noun: ClassVar[str] = "a number"
    note: ClassVar[str] = ""

    @property
    def expected(self) -> str:
        return f"{self.noun} from {_plain(self.low)} to {_plain(self.high)}{self.note}"

    def read(self, node: yaml.Node) -> Any:
        if not is_plain(node) or not _NUMBER.fullmatch(node.value):
            raise Mismatch(self.expected)
        exact = Decimal(node.value.replace("_", ""))
        if not Decimal(str(self.low)) <= exact <= Decimal(str(self.high)):
            raise Mismatch(self.expected)
        return self._house(exact)

    def _house(self, exact: Decimal) -> Any:
        if exact * self.scale % 1:
            raise Mismatch(f"{self.expected} in steps of {_plain(1 / self.scale)}")
        return int(exact * self.scale)

    def show(self, value: int) -> float | int:
        return _plain_number(Decimal(value) / self.scale)


@dataclass(frozen=True, kw_only=True)
class Whole(_Numeric):
    """A whole number, in the unit its name says."""

    noun = "a whole number"

    def _house(self, exact: Decimal) -> int:
        if exact % 1:
            raise Mismatch(self.expected)
        return int(exact)


@dataclass(frozen=True, kw_only=True)
class CountFromOne(Whole):
    """A count that cannot be 0: 0 and a bare key count as 1."""

    low: float = 0
    blank: Any = 1

    def _house(self, exact: Decimal) -> int:
        return max(super()._house(exact), 1)


@dataclass(frozen=True, kw_only=True)
class Real(_Numeric):
    """A number that goes into indicator arithmetic and stays a float."""

    def _house(self, exact: Decimal) -> float:
        return float(exact)

    def show(self, value: float) -> float | int:
        return value


@dataclass(frozen=True, kw_only=True)
class Fraction(_Numeric):
    """A fraction (0.30 is 30 %), held as basis points."""

    scale = BPS
    note = " (a fraction: 0.30 is 30 %)"

    def _house(self, exact: Decimal) -> int:
        super()._house(exact)
        return bps_from_ratio(exact)


@dataclass(frozen=True, kw_only=True)
class Points(_Numeric):
    """Percent points (5 is 5 %), held as basis points."""

    scale = BPS // 100
    note = " (percent points: 5 is 5 %)"

    def _house(self, exact: Decimal) -> int:
        super()._house(exact)
        return bps_from_ratio(exact / 100)


@dataclass(frozen=True, kw_only=True)
class Rupees(_Numeric):
    """Rupees, held as paise."""

    scale = 100
    note = " (rupees)"

    def _house(self, exact: Decimal) -> int:
        super()._house(exact)
        return paise_from_rupees(exact)


@dataclass(frozen=True, kw_only=True)
class Seconds(_Numeric):
    """Seconds with a fraction, held as milliseconds."""

    scale = 1000
    note = " (seconds)"


@dataclass(frozen=True, kw_only=True)
class Flag(Kind):
    """Yes or no."""

    @property
    def expected(self) -> str:
        return "true or false"

    def read(self, node: yaml.Node) -> bool:
        if not is_plain(node) or node.value.lower() not in ("true", "false"):
            raise Mismatch(self.expected)
        return bool(node.value.lower() == "true")


@dataclass(frozen=True, kw_only=True)
class Choice(Kind):
    """One of a closed list of words.

    Attributes:
        words: What is allowed.
        refused: Words that belong to a known meaning which is not built: word and what to say.
    """

    words: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(word or '""' for word in self.words)

    def read(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and not is_null(node):
            if node.value in self.words:
                return str(node.value)
            reason = dict(self.refused).get(node.value)
            if reason:
                raise Mismatch(f"{self.expected}: {reason}")
        raise Mismatch(self.expected)


@dataclass(frozen=True, kw_only=True)
class OnlyFalse(Flag):
    """A switch whose other side is not built: true is refused with the reason."""

    reason: str = ""

    @property
    def expected(self) -> str:
        return f"false: {self.reason}"

    def read(self, node: yaml.Node) -> bool:
        if super().read(node):
            raise Mismatch(self.expected)
        return False


@dataclass(frozen=True, kw_only=True)
class Text(Kind):
    """Text of a form; a plain number counts as its own text (a security id may stand unquoted).

    Attributes:
        form: Regular expression for the whole of it.
        words: The form in words.
    """

    form: str
    words: str

    @property
    def expected(self) -> str:
        return self.words

    def read(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or is_null(node) or not re.fullmatch(self.form, node.value):
            raise Mismatch(self.expected)
        return str(node.value)


@dataclass(frozen=True, kw_only=True)
class Address(Kind):
    """A URL of one of some schemes. It may hold a password, so reports and `show` leave that out."""

    schemes: tuple[str, ...]
    is_secret: ClassVar[bool] = True

    @property
    def expected(self) -> str:
        return "an address that begins with " + " or ".join(f"{scheme}://" for scheme in self.schemes)

    def read(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.value.partition("://")[0] not in self.schemes:
            raise Mismatch(self.expected)
        return str(node.value)

    def show(self, value: str) -> str:
        password = urlsplit(value).password
        return value.replace(f":{password}@", ":***@") if password else value


@dataclass(frozen=True, kw_only=True)
class Clock(Kind):
    """A time of the day in India, `HH:MM`, quoted or not."""

    @property
    def expected(self) -> str:
        return "a time of the day HH:MM"

    def read(self, node: yaml.Node) -> time:
        match = _CLOCK.fullmatch(node.value) if isinstance(node, yaml.ScalarNode) else None
        if match is None:
            raise Mismatch(self.expected)
        return time(int(match[1]), int(match[2]))

    def show(self, value: time) -> str:
        return value.strftime("%H:%M")


@dataclass(frozen=True, kw_only=True)
class Day(Kind):
    """A date, `YYYY-MM-DD`."""

    @property
    def expected(self) -> str:
        return "a date YYYY-MM-DD"

    def read(self, node: yaml.Node) -> date:
        if not isinstance(node, yaml.ScalarNode) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", node.value):
            raise Mismatch(self.expected)
        try:
            return date.fromisoformat(node.value)
        except ValueError as error:
            raise Mismatch(self.expected) from error


@dataclass(frozen=True, kw_only=True)
class Rows(Kind):
    """A list of rows, each a section; read by the walk, row by row.

    Attributes:
        name: Key whose value names a row, so that `indices.NIFTY.cooldown_sec` finds it; None = rows go by number.
        alone: Key of which a lone word is the value, standing for one row with nothing else given.
    """

    name: str | None = None
    alone: str | None = None

    @property
    def expected(self) -> str:
        return "a list of mappings, at least one" + (f", or one {self.alone}" if self.alone else "")


def _plain(number: float) -> str:
    return str(_plain_number(Decimal(str(number))))


def _plain_number(exact: Decimal) -> float | int:
    return float(exact) if exact % 1 else int(exact)
