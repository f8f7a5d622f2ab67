"""Security -> positions, by full instrument key.

Source: REQUIREMENTS 8.2.
"""

from __future__ import annotations


class PositionIndexTable:
    """Which positions hang on which security. A key without positions is not there."""

    def __init__(self) -> None:
        self._by_key: dict[str, list[int]] = {}

    def add(self, position_id: int, key: str) -> bool:
        """Add, or do nothing when it is there; True when something changed."""
        ids = self._by_key.setdefault(key, [])
        if position_id in ids:
            return False
        ids.append(position_id)
        return True

    def remove(self, position_id: int, key: str) -> bool:
        """Remove, or do nothing when it is not there; True when something changed."""
        ids = self._by_key.get(key, [])
        if position_id not in ids:
            return False
        ids.remove(position_id)
        if not ids:
            del self._by_key[key]
        return True

    def positions_of(self, key: str) -> tuple[int, ...]:
        """Ids of the positions of one security, in the order they came; a copy."""
        return tuple(self._by_key.get(key, ()))

    def keys(self) -> tuple[str, ...]:
        """All keys with positions, sorted."""
        return tuple(sorted(self._by_key))

    def entries(self) -> tuple[tuple[int, str], ...]:
        """All (position id, key), by id."""
        return tuple(sorted((position_id, key) for key, ids in self._by_key.items() for position_id in ids))
