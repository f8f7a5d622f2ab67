"""What a configuration value may be, and how it becomes a value in house units.

A kind stands in the annotation of a schema field. It reads one YAML node into paise, basis points, milliseconds and
the like, shows such a value as YAML again, and says in words what it expects. Numbers are read from their own text,
exactly: what is finer than the house unit is refused, never rounded in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import yaml

from scalper.domain.units import BPS, bps_from_ratio, paise_from_rupees

#: A decimal number as people write it. YAML 1.1 would read 010 as 8 and 15:00 as 900; neither matches here.
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9_]*)(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?")
#: Longest number: well within the digits that decimal arithmetic keeps exactly.
_NUMBER_CHARS_MAX = 20
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
        aliases: Further names in the same section.
        blank: What a bare key means where None is not allowed; None = a bare key is a fault.
    """

    key: str | None = None
    aliases: tuple[str, ...] = ()
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
class Numeric(Kind):
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
        if not is_plain(node) or not _NUMBER.fullmatch(node.value) or len(node.value) > _NUMBER_CHARS_MAX:
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
class Whole(Numeric):
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
class Real(Numeric):
    """A number that goes into indicator arithmetic and stays a float."""

    def _house(self, exact: Decimal) -> float:
        return float(exact)

    def show(self, value: float) -> float | int:
        return value


@dataclass(frozen=True, kw_only=True)
class Fraction(Numeric):
    """A fraction (0.30 is 30 %), held as basis points."""

    scale = BPS
    note = " (a fraction: 0.30 is 30 %)"

    def _house(self, exact: Decimal) -> int:
        super()._house(exact)
        return bps_from_ratio(exact)


@dataclass(frozen=True, kw_only=True)
class Points(Numeric):
    """Percent points (5 is 5 %), held as basis points."""

    scale = BPS // 100
    note = " (percent points: 5 is 5 %)"

    def _house(self, exact: Decimal) -> int:
        super()._house(exact)
        return bps_from_ratio(exact / 100)


@dataclass(frozen=True, kw_only=True)
class Rupees(Numeric):
    """Rupees, held as paise."""

    scale = 100
    note = " (rupees)"

    def _house(self, exact: Decimal) -> int:
        super()._house(exact)
        return paise_from_rupees(exact)


@dataclass(frozen=True, kw_only=True)
class Seconds(Numeric):
    """Seconds with a fraction, held as milliseconds."""

    scale = 1000
    note = " (seconds)"


def _plain(number: float) -> str:
    return str(_plain_number(Decimal(str(number))))


def _plain_number(exact: Decimal) -> float | int:
    return float(exact) if exact % 1 else int(exact)
