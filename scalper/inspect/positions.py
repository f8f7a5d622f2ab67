"""The positions of a day, as their rows tell them."""

from __future__ import annotations

from typing import Any

from scalper.domain.positions import Position, PositionStatus
from scalper.domain.units import rupees_from_paise
from scalper.inspect.reading import Reading
from scalper.store.positions import PositionRepository
from scalper.store.records import Day
from scalper.summary import position_summary


def day_positions(reading: Reading, day: Day) -> dict[str, Any]:
    """Positions made or exited on a day, and those open still, by id; prices and money in rupees."""
    positions = PositionRepository(reading.store).of_day(day.day)
    closed = [one for one in positions if one.status is PositionStatus.EXITED]
    return {
        "day": day.day.isoformat(),
        "state": day.state.value,
        "market": day.market,
        "seed": day.seed,
        "last_at": day.last_at.isoformat(),
        "open_positions": sum(one.is_open for one in positions),
        "realised_net_rupees": rupees_from_paise(sum(one.net_paise for one in closed)),
        "positions": [position_told(one) for one in positions],
    }


def position_told(position: Position) -> dict[str, Any]:
    """What a summary tells of a position, and how it stands: `mark_rupees` before charges, at most 30 s old."""
    trail = position.trail
    return position_summary(position) | {
        "status": position.status.value,
        "open_quantity": position.quantity,
        "stop_price": rupees_from_paise(trail.stop_paise) if trail else None,
        "stop_source": trail.stop_source.value if trail else None,
        "target_price": rupees_from_paise(position.target_paise) if position.target_paise else None,
        "mark_rupees": rupees_from_paise(position.last_pnl_paise) if position.is_open else None,
        "cancel_reason": position.cancel_reason or None,
    }
