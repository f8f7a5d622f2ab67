"""Orders, fills and what they cost: sending belongs to OrderGateway, the broker's side to OrderUpdateHandler.

An order is born NEW in the commit of its intent: exits through `SignalRepository.insert_exit`, entries through
`insert_orders` in the unit of PositionTracker.

Source: REQUIREMENTS 13.2, 13.7, 17.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from scalper.domain.charges import NO_CHARGES, Charges
from scalper.domain.orders import (
    FINAL_STATUSES,
    POSSIBLY_ALIVE,
    BrokerStatus,
    Fill,
    Order,
    SendState,
    next_send_state,
)
from scalper.domain.positions import OrderTotals
from scalper.domain.times import us_from
from scalper.store.database import Store
from scalper.store.tables import CHARGES, FILLS, ORDERS

_FINAL = sorted(status.value for status in FINAL_STATUSES)
_ALIVE = sorted(state.value for state in POSSIBLY_ALIVE)

#: Asked between a tick and a sale: ready-made.
_UNITS_HELD = """
SELECT SUM(CASE side WHEN 'BUY' THEN filled_quantity ELSE -filled_quantity END) AS held
FROM orders WHERE position_id = ?"""


def insert_orders(store: Store, orders: Iterable[Order]) -> None:
    """Add orders in the unit of work that is open on this thread.

    Raises:
        Conflict: The account has an order with this correlation id on that day.
    """
    store.write_all(ORDERS.insert(order) for order in orders)


def insert_fill(store: Store, fill: Fill) -> bool:
    """Add one trade and its charges; False when the account has a trade of this number."""
    if store.write(FILLS.insert(fill).on_conflict_ignore()) == 0:
        return False
    key = {"account_id": fill.account_id, "exchange_trade_id": fill.exchange_trade_id, "order_id": fill.order_id}
    store.write(CHARGES.insert(fill.charges, **key))
    return True


class OrderRepository:
    """Orders by id, and their fills."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sending_sql = f"SELECT send_state, reason_text FROM orders WHERE id = {store.mark}"
        self._units_held = _UNITS_HELD.replace("?", store.mark)

    def insert(self, order: Order) -> None:
        """Add one order.

        Raises:
            Conflict: The account has an order with this correlation id on that day.
        """
        insert_orders(self._store, (order,))

    def set_send_state(
        self,
        order_id: str,
        expected: Iterable[SendState],
        to: SendState,
        at: datetime,
        *,
        broker_order_id: str = "",
        reason_text: str = "",
    ) -> bool:
        """Move what we know of the sending; False when the order is in none of the expected states.

        Args:
            order_id: Of the order.
            expected: States it may be in.
            to: The state wanted; SENT also says when the bytes went.
            at: When.
            broker_order_id: Kept when given.
            reason_text: Kept when given.

        Raises:
            TransitionError: From an expected state there is no such step.
        """
        states = []
        for state in expected:
            next_send_state(state, to)
            states.append(state.value)
        changes: dict[str, Any] = {"send_state": to.value, "updated_at": us_from(at)}
        changes |= _given(broker_order_id=broker_order_id, reason_text=reason_text)
        if to is SendState.SENT:
            changes["sent_at"] = us_from(at)
        return self._change(order_id, ORDERS.table.send_state.in_(states), changes)

    def set_broker_status(self, order_id: str, status: BrokerStatus, at: datetime, *, reason_text: str = "") -> bool:
        """Keep what the broker's book says; False when the order has a final status, which nothing follows."""
        changes = {"broker_status": status.value, "updated_at": us_from(at)} | _given(reason_text=reason_text)
        return self._change(order_id, ORDERS.table.broker_status.not_in(_FINAL), changes)

    def set_limit_price(self, order_id: str, limit_price_paise: int, at: datetime) -> bool:
        """Keep the price of an order the broker has accepted a modification of; False when the order is final."""
        changes = {"limit_price_paise": limit_price_paise, "updated_at": us_from(at)}
        return self._change(order_id, ORDERS.table.broker_status.not_in(_FINAL), changes)

    def add_fill(self, fill: Fill, totals: OrderTotals) -> bool:
        """Add one trade with its charges, and what its order has brought after it; False when the trade is known.

        Quantities of an order only grow: totals that are behind those stored are not taken over.
        """
        if not insert_fill(self._store, fill):
            return False
        changes = {
            "filled_quantity": totals.filled_quantity,
            "filled_value_paise": totals.filled_value_paise,
            "charges_paise": totals.charges_paise,
            "updated_at": us_from(fill.at),
        }
        self._change(fill.order_id, ORDERS.table.filled_quantity <= totals.filled_quantity, changes)
        return True

    def sending_of(self, order_id: str) -> tuple[SendState, str] | None:
        """What is known of the sending of an order, and why; ready-made SQL, since every exit order is looked at."""
        rows = self._store.rows_of_sql(self._sending_sql, (order_id,))
        return (SendState(rows[0]["send_state"]), rows[0]["reason_text"]) if rows else None

    def order(self, order_id: str) -> Order | None:
        """The order with this id."""
        found = self._store.find(ORDERS, ORDERS.table.id == order_id)
        return found[0] if found else None

    def by_broker_id(self, account_id: str, broker_order_id: str) -> Order | None:
        """The newest order of an account that the broker knows by this id."""
        table = ORDERS.table
        found = self._store.find(ORDERS, (table.account_id == account_id) & (table.broker_order_id == broker_order_id))
        return found[-1] if found else None

    def possibly_alive(self, account_id: str) -> tuple[Order, ...]:
        """Orders of an account that may rest, or may come to rest, at the broker, oldest first."""
        table = ORDERS.table
        is_alive = table.send_state.in_(_ALIVE) & table.broker_status.not_in(_FINAL)
        return self._store.find(ORDERS, (table.account_id == account_id) & is_alive)

    def of_day(self, account_id: str, day: date) -> tuple[Order, ...]:
        """All orders of an account's trading day, oldest first."""
        table = ORDERS.table
        return self._store.find(ORDERS, (table.account_id == account_id) & (table.day == day.isoformat()))

    def of_position(self, position_id: int) -> tuple[Order, ...]:
        """All orders of a position, entry and exit, oldest first."""
        return self._store.find(ORDERS, ORDERS.table.position_id == position_id)

    def units_held(self, position_id: int) -> int:
        """Units bought and not sold by the orders of a position, which may be ahead of the position's own row."""
        (row,) = self._store.rows_of_sql(self._units_held, (position_id,))
        return int(row["held"] or 0)

    def fills_of(self, order_ids: Sequence[str]) -> tuple[Fill, ...]:
        """The trades of some orders, oldest first, each with its charges."""
        charges = {
            (row["account_id"], row["exchange_trade_id"]): CHARGES.value_of(row)
            for row in self._store.rows(CHARGES.select(CHARGES.table.order_id.in_(order_ids)))
        }
        return tuple(
            FILLS.value_of(row, charges=charges[row["account_id"], row["exchange_trade_id"]])
            for row in self._store.rows(FILLS.select(FILLS.table.order_id.in_(order_ids)))
        )

    def charges_of(self, order_ids: Sequence[str]) -> dict[str, Charges]:
        """What each of some orders has cost so far, by component; an order without a fill has cost nothing."""
        costs = dict.fromkeys(order_ids, NO_CHARGES)
        for row in self._store.rows(CHARGES.select(CHARGES.table.order_id.in_(order_ids))):
            costs[row["order_id"]] += CHARGES.value_of(row)
        return costs

    def _change(self, order_id: str, condition: Any, changes: dict[str, Any]) -> bool:
        table = ORDERS.table
        return self._store.write(table.update(**changes).where((table.id == order_id) & condition)) == 1


def _given(**texts: str) -> dict[str, Any]:
    return {name: text for name, text in texts.items() if text}
