"""Conditional steps of an intent: whoever finds the status he expected wins, everybody else changes nothing.

Source: REQUIREMENTS 14.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from scalper.domain.signals import IntentStatus, next_intent_status
from scalper.domain.times import us_from
from scalper.store.database import Store
from scalper.store.rows import Rows


def move_intent(
    store: Store,
    rows: Rows[Any],
    intent_id: int,
    expected: Iterable[IntentStatus],
    to: IntentStatus,
    at: datetime,
    changes: Mapping[str, Any],
) -> bool:
    """Move the intent to `to` when its status is an expected one; False when it is not.

    Raises:
        TransitionError: From an expected status there is no such step: a bug, not a lost race.
    """
    statuses = []
    for status in expected:
        next_intent_status(status, to)
        statuses.append(status.value)
    table = rows.table
    moved = table.update(status=to.value, updated_at=us_from(at), **changes)
    return store.write(moved.where((table.id == intent_id) & table.status.in_(statuses))) == 1
