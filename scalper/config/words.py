"""Kinds of values that are words: switches, choices, text, addresses, times of the day, dates; and lists of rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time
from typing import ClassVar

import yaml

from scalper.config.kinds import Kind, Mismatch, is_null, is_plain

_ADDRESS = re.compile(r"[a-z]+://\S*")
#: User and password of an address, up to the last @ so that no stray character shows a part; or a password option.
_CREDENTIALS = re.compile(r"(?<=://).*(?=@)|(?<=password=)[^&]*")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


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
        return ("one of " if len(self.words) > 1 else "") + ", ".join(word or '""' for word in self.words)

    def read(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and not is_null(node):
            if node.value in self.words:
                return str(node.value)
            reason = dict(self.refused).get(node.value)
            if reason:
                raise Mismatch(f"{self.expected} ({reason})")
        raise Mismatch(self.expected)


@dataclass(frozen=True, kw_only=True)
class OnlyFalse(Flag):
    """A switch whose other side is not built: true is refused with the reason."""

    reason: str = ""

    @property
    def expected(self) -> str:
        return f"false ({self.reason})"

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
        if not isinstance(node, yaml.ScalarNode) or not _ADDRESS.fullmatch(node.value):
            raise Mismatch(self.expected)
        if node.value.partition("://")[0] not in self.schemes:
            raise Mismatch(self.expected)
        return str(node.value)

    def show(self, value: str) -> str:
        return _CREDENTIALS.sub("***", value)


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

    def show(self, value: date) -> str:
        return value.isoformat()


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
        return "a list of 1 to 64 mappings" + (f", or one {self.alone}" if self.alone else "")


@dataclass(frozen=True, kw_only=True)
class Nested(Kind):
    """A section of its own keys; read by the walk."""

    @property
    def expected(self) -> str:
        return "a mapping"
