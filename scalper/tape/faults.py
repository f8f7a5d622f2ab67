"""Bad rows, counted by kind: the reader goes on, and says once per kind what it met."""

from __future__ import annotations


class Faults:
    """Counts what was wrong with one file's rows and remembers the first of each kind.

    Args:
        name: The file, as people know it; it starts every line.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def add(self, kind: str, example: str, count: int = 1) -> None:
        """Note `count` rows of one kind; only the first example of a kind is kept."""
        self._counts[kind] = self._counts.get(kind, 0) + count
        self._examples.setdefault(kind, example)

    def lines(self) -> tuple[str, ...]:
        """One line per kind, in the order in which the kinds were met."""
        return tuple(
            f"{self._name}: {count} {'row' if count == 1 else 'rows'}: {kind}; first {self._examples[kind]}"
            for kind, count in self._counts.items()
        )
