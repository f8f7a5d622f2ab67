"""What a day has brought one account: trades, losses, results; and what open positions would bring now.

Source: REQUIREMENTS 15.1, 15.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

import msgspec

from scalper.domain.charges import ChargeTable, charges_of_order, exchange_of
from scalper.domain.circuit import CircuitVerdict, circuit_verdict
from scalper.domain.orders import OrderSide
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.times import IST


class IndexTally(msgspec.Struct, frozen=True, array_like=True):
    """Trades opened and paise lost (losing trades only, positive) of one index today."""

    index_key: str
    trades: int
    loss_paise: int


class _Booked(msgspec.Struct, frozen=True):
    """What one position counts for in its day."""

    index_key: str
    net_paise: int
    is_over: bool
    is_opened_today: bool


class DayBook:
    """The positions of one account's day, by id; a position taken in again replaces what was known of it.

    What they come to is summed when one changes and not when it is asked for: the circuit asks at every sweep.

    Attributes:
        tallies: One line an index, by its key.
        realised_net_paise: Net result of what is closed; of what is open, of the part sold, with all charges so far.
    """

    def __init__(self) -> None:
        self.tallies: tuple[IndexTally, ...] = ()
        self.realised_net_paise = 0
        self._positions: dict[int, _Booked] = {}

    def take_in(self, position: Position, day: date) -> bool:
        """Count a position that is held or was closed today; True when a tally is other than before.

        One carried over from an earlier day is no trade of today, but its result is.
        """
        if not position.bought_quantity:
            return False
        is_over = position.status is PositionStatus.EXITED
        is_opened_today = position.opened_at is not None and position.opened_at.astimezone(IST).date() == day
        self._positions[position.id] = _Booked(position.index_key, position.net_paise, is_over, is_opened_today)
        self.realised_net_paise = sum(booked.net_paise for booked in self._positions.values())
        before, self.tallies = self.tallies, self._tallied()
        return self.tallies != before

    @property
    def has_traded(self) -> bool:
        return bool(self._positions)

    def _tallied(self) -> tuple[IndexTally, ...]:
        trades: Counter[str] = Counter()
        losses: Counter[str] = Counter()
        for booked in self._positions.values():
            trades[booked.index_key] += booked.is_opened_today
            if booked.is_over:
                losses[booked.index_key] += max(0, -booked.net_paise)
        return tuple(IndexTally(key, trades[key], losses[key]) for key in sorted(trades))


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
