"""Faults of the configuration, each one line with its place, and the nearest valid key to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

from scalper.config.fields import ALIASES, STAND_INS, SectionType, fields_of, paths_of
from scalper.errors import ConfigError

#: Likeness, 0 to 1, from which a key counts as a slip of another in the same section, and of one elsewhere.
_NEAR_RATIO, _FAR_RATIO = 0.6, 0.8


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        source: `conf/scalper.yaml`, `--set` or `environment ALLOC_PCT`.
        line: From 1; 0 where the source has no lines.
        path: Key path as it was written; empty when the whole source is meant.
        text: What was found and what is allowed.
    """

    source: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return ": ".join(part for part in (place, self.path, self.text) if part)


def raise_faults(faults: Iterable[Fault]) -> None:
    """Raises one report of all faults, by source as they come and by line; nothing when there are none.

    Raises:
        ConfigError: There is at least one fault.
    """
    found = list(faults)
    sources = list(dict.fromkeys(fault.source for fault in found))
    found.sort(key=lambda fault: (sources.index(fault.source), fault.line))
    if found:
        raise ConfigError("\n".join(str(fault) for fault in found))


def unknown_key(root: SectionType, section: SectionType, above: str, key: str) -> str:
    """What to say of a key that its section does not have: the nearest valid one, and all that are allowed."""
    siblings = list(fields_of(section))
    if f"{above}{key}" in paths_of(root):
        return f"unknown key; keys nest: write {key.rpartition('.')[2]} under {above}{key.rpartition('.')[0]}"
    near = [f"{above}{name}" for name in get_close_matches(key, siblings, n=1, cutoff=_NEAR_RATIO)]
    near = near or _elsewhere(root, above, key)
    asked = f"; did you mean {near[0]}?" if near else ""
    return f"unknown key{asked} (allowed here: {', '.join(siblings)})"


def _elsewhere(root: SectionType, above: str, key: str) -> list[str]:
    """The path of another section that ends like this key, or reads like the whole of it."""
    paths = [*paths_of(root), *ALIASES, *STAND_INS]
    by_end = {path.rpartition(".")[2]: path for path in reversed(paths)}
    ends = get_close_matches(key, list(by_end), n=1, cutoff=_FAR_RATIO)
    return [by_end[end] for end in ends] or get_close_matches(f"{above}{key}", paths, n=1, cutoff=_FAR_RATIO)
