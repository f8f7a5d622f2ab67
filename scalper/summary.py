"""What a day came to, from its rows: the one object that `run --json` prints."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from scalper.domain.positions import Position, PositionStatus
from scalper.domain.signals import IntentStatus
from scalper.domain.units import rupees_from_paise
from scalper.store.database import Store
from scalper.store.intents import IntentRepository
from scalper.store.positions import PositionRepository
from scalper.store.signals import SignalRepository


def position_summary(position: Position) -> dict[str, Any]:
    """One position for people and programs; prices and money in rupees."""
    bought, sold = position.bought_quantity, position.sold_quantity
    is_closed = position.status is PositionStatus.EXITED
    return {
        "id": position.id,
        "account": position.account_id,
        "symbol": position.instrument.symbol,
        "side": position.side.value,
        "quantity": bought,
        "entry_at": position.opened_at.isoformat() if position.opened_at else None,
        "entry_price": _average(position.bought_value_paise, bought),
        "exit_at": position.exited_at.isoformat() if position.exited_at else None,
        "exit_price": _average(position.sold_value_paise, sold),
        "exit_tag": position.exit_tag if is_closed else None,
        "exit_reason": position.exit_text if is_closed else None,
        "high_water_mark": rupees_from_paise(position.hwm_pnl_paise),
        "gross_rupees": rupees_from_paise(position.gross_paise),
        "charges_rupees": rupees_from_paise(position.charges_paise),
        "net_rupees": rupees_from_paise(position.net_paise),
    }


def _average(value_paise: int, quantity: int) -> float | None:
    """Average price in rupees; six decimals give back the value to the paisa for any quantity that is traded."""
    return round(value_paise / quantity / 100, 6) if quantity else None


def traded_positions(store: Store, day: date) -> tuple[Position, ...]:
    """Positions of the day that bought something, by id."""
    return tuple(one for one in PositionRepository(store).of_day(day) if one.bought_quantity)


def rows_summary(store: Store, day: date) -> dict[str, Any]:
    """What the rows of a day say."""
    positions = traded_positions(store, day)
    intents = IntentRepository(store).of_day(day)
    refusals = Counter(one.reason for one in intents if one.status is IntentStatus.REJECTED)
    closed = [one for one in positions if one.status is PositionStatus.EXITED]
    return {
        "signals": len(SignalRepository(store).signals_of_day(day)),
        "refusals": dict(sorted(refusals.items())),
        "open_positions": sum(one.is_open for one in PositionRepository(store).of_day(day)),
        "realised_net_rupees": rupees_from_paise(sum(one.net_paise for one in closed)),
        "positions": [position_summary(one) for one in positions],
    }
