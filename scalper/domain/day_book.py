"""What a day has brought one account: trades, losses, results; and what open positions would bring now.

Source: REQUIREMENTS 15.1, 15.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from scalper.domain.charges import ChargeTable, charges_of_order, exchange_of
from scalper.domain.circuit import CircuitVerdict, circuit_verdict
from scalper.domain.orders import OrderSide
from scalper.domain.positions import Position, PositionStatus


class IndexTally(msgspec.Struct, frozen=True, array_like=True):
    """Trades opened and paise lost (losing trades only, positive) of one index today."""

    index_key: str
    trades: int
    loss_paise: int


class DayBook:
    """The positions of one account's day, by id; a position taken in again replaces what was known of it."""

    def __init__(self) -> None:
        self._positions: dict[int, Position] = {}

    def take_in(self, position: Position, day: date) -> bool:
        """Count a position that was opened or closed today; True when a tally is other than before."""
        if not position.bought_quantity:
            return False
        before = self.tallies
        self._positions[position.id] = position
        return self.tallies != before

    @property
    def has_traded(self) -> bool:
        return bool(self._positions)

    @property
    def realised_net_paise(self) -> int:
        """Net result of what is closed, and of the sold part, with all charges so far, of what is open."""
        return sum(position.net_paise for position in self._positions.values())

    @property
    def tallies(self) -> tuple[IndexTally, ...]:
        """One line an index, by its key."""
        keys = sorted({position.index_key for position in self._positions.values()})
        return tuple(self._tally(key) for key in keys)

    def _tally(self, index_key: str) -> IndexTally:
        mine = [position for position in self._positions.values() if position.index_key == index_key]
        losses = [
            -position.net_paise
            for position in mine
            if position.status is PositionStatus.EXITED and position.net_paise < 0
        ]
        return IndexTally(index_key, len(mine), sum(losses))


def day_verdict(
    book: DayBook,
    bids: Iterable[tuple[Position, int]],
    starting_balance_paise: int | None,
    charges: ChargeTable,
    day: date,
    limit_bps: int,
) -> CircuitVerdict:
    """How the day stands against the circuit: realised net, and open positions sold at these bids, net.

    Source: REQUIREMENTS 15.2.
    """
    unrealised = sum(unrealised_net_paise(position, bid_paise, charges, day) for position, bid_paise in bids)
    return circuit_verdict(starting_balance_paise, book.realised_net_paise, unrealised, limit_bps)


def unrealised_net_paise(position: Position, bid_paise: int, charges: ChargeTable, day: date) -> int:
    """What selling the open quantity at the bid would add to the result, after the charges of that sale.

    Charges already paid are part of the realised result. Source: REQUIREMENTS 15.2.
    """
    if position.quantity <= 0:
        return 0
    turnover = position.quantity * bid_paise
    cost = charges_of_order(OrderSide.SELL, turnover, charges.rates(exchange_of(position.instrument.segment), day))
    return turnover - position.quantity * position.entry_price_paise - cost.total_paise
