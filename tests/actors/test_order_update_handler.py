"""OrderUpdateHandler books what the broker says once, to the paisa."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.actors.messages.orders import (
    OrderCancelled,
    OrderFilled,
    OrderPartiallyFilled,
    OrderRejected,
    OrderReport,
    OrderReports,
    OrderUpdate,
    ReportOrders,
    SweepOrders,
)
from scalper.actors.order_update_handler import OrderUpdateHandler
from scalper.domain.charges import Exchange, charges_of_order
from scalper.domain.orders import BrokerStatus, BrokerTrade, Order, SendState
from scalper.store.database import Store
from scalper.store.orders import OrderRepository
from tests.actors.harness import Stage, a_store
from tests.builders import ACCOUNT, DAY, ELEVEN, LOT, a_trade, an_exit_order, an_order, charges, later


def a_stage(store: Store) -> Stage:
    def make(link: Any) -> OrderUpdateHandler:
        return OrderUpdateHandler(link, store=store, charges=charges(), day=DAY)

    return Stage({"order_update_handler": (OrderUpdateHandler, make)})


def a_store_with(*orders: Order) -> Store:
    store = a_store()
    with store.unit() as unit:
        for order in orders:
            OrderRepository(store).insert(order)
        unit.commit()
    return store


def an_entry(lots: int = 3) -> Order:
    return an_order(quantity=lots * LOT, send_state=SendState.ACCEPTED)


def update(
    order: Order, status: BrokerStatus, *trades: BrokerTrade, at: datetime = ELEVEN, text: str = ""
) -> OrderUpdate:
    return OrderUpdate(
        at=at,
        account_id=ACCOUNT,
        order_id=order.id,
        broker_order_id="B1",
        status=status,
        filled_quantity=sum(trade.quantity for trade in trades),
        trades=trades,
        text=text,
    )


def reports(stage: Stage) -> list[OrderReport]:
    """Every report it published, in order."""
    kinds = (OrderFilled, OrderPartiallyFilled, OrderCancelled, OrderRejected)
    return [letter.message for letter, _ in stage.record.letters if isinstance(letter.message, kinds)]


def row_of(store: Store, order: Order) -> Order:
    row = OrderRepository(store).order(order.id)
    assert row is not None
    return row


def test_a_trade_is_a_row_before_it_is_told() -> None:
    order = an_entry(1)
    store = a_store_with(order)
    stage = a_stage(store)

    stage.tell(update(order, BrokerStatus.TRADED, a_trade(1, LOT, 100_05)))

    (fill,) = OrderRepository(store).fills_of([order.id])
    assert (fill.exchange_trade_id, fill.quantity, fill.price_paise) == ("T1", LOT, 100_05)
    (filled,) = stage.said(OrderFilled)
    assert (filled.filled_quantity, filled.filled_value_paise, filled.is_final) == (LOT, LOT * 100_05, True)
    assert row_of(store, order).broker_status is BrokerStatus.TRADED


def test_quantities_told_are_those_of_all_trades_so_far() -> None:
    order = an_entry(3)
    stage = a_stage(a_store_with(order))

    stage.tell(
        update(order, BrokerStatus.PART_TRADED, a_trade(1, LOT, 100_00)),
        update(order, BrokerStatus.TRADED, a_trade(2, 2 * LOT, 101_00)),
    )

    assert [(type(one), one.filled_quantity, one.filled_value_paise) for one in reports(stage)] == [
        (OrderPartiallyFilled, LOT, LOT * 100_00),
        (OrderFilled, 3 * LOT, LOT * 100_00 + 2 * LOT * 101_00),
    ]


def test_a_trade_that_is_told_again_is_booked_once() -> None:
    order = an_entry(3)
    store = a_store_with(order)
    stage = a_stage(store)
    first = update(order, BrokerStatus.PART_TRADED, a_trade(1))

    stage.tell(first, first, update(order, BrokerStatus.TRADED, a_trade(1), a_trade(2, 2 * LOT)), first)

    assert [one.filled_quantity for one in reports(stage)] == [LOT, 3 * LOT]
    assert len(OrderRepository(store).fills_of([order.id])) == 2


def test_what_an_order_cost_is_exact_however_many_trades_it_took() -> None:
    order = an_entry(5)
    store = a_store_with(order)
    stage = a_stage(store)
    trades = [a_trade(number, LOT, 100_05 + 35 * number) for number in range(5)]

    stage.tell(*(update(order, BrokerStatus.PART_TRADED, trade) for trade in trades))

    value = sum(trade.quantity * trade.price_paise for trade in trades)
    expected = charges_of_order(order.side, value, charges().rates(Exchange.NSE, DAY))
    assert OrderRepository(store).charges_of([order.id])[order.id] == expected
    assert reports(stage)[-1].charges_paise == row_of(store, order).charges_paise == expected.total_paise
    assert all(low.charges_paise <= high.charges_paise for low, high in pairwise(reports(stage)))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (BrokerStatus.CANCELLED, OrderCancelled),
        (BrokerStatus.EXPIRED, OrderCancelled),
        (BrokerStatus.REJECTED, OrderRejected),
    ],
)
def test_an_order_that_ends_keeps_what_was_filled(status: BrokerStatus, kind: type[OrderReport]) -> None:
    order = an_entry(3)
    stage = a_stage(a_store_with(order))

    stage.tell(update(order, BrokerStatus.PART_TRADED, a_trade(1)), update(order, status, text="too late"))

    last = reports(stage)[-1]
    assert (type(last), last.is_final, last.filled_quantity) == (kind, True, LOT)


@pytest.mark.parametrize("late", [BrokerStatus.PENDING, BrokerStatus.PART_TRADED, BrokerStatus.REJECTED])
def test_nothing_follows_a_final_status(late: BrokerStatus) -> None:
    order = an_entry(1)
    store = a_store_with(order)
    stage = a_stage(store)
    stage.tell(update(order, BrokerStatus.CANCELLED))

    stage.tell(update(order, late))

    assert row_of(store, order).broker_status is BrokerStatus.CANCELLED
    assert len(reports(stage)) == 1


def test_a_trade_that_comes_after_the_end_is_still_a_trade() -> None:
    order = an_entry(1)
    stage = a_stage(a_store_with(order))
    stage.tell(update(order, BrokerStatus.CANCELLED))

    stage.tell(update(order, BrokerStatus.CANCELLED, a_trade(1)))

    assert [one.filled_quantity for one in reports(stage)] == [0, LOT]


def test_an_order_of_nobody_here_is_passed_over() -> None:
    order = an_entry(1)
    stage = a_stage(a_store_with(order))

    stage.tell(update(an_order("by-hand"), BrokerStatus.TRADED, a_trade(1)))
    stage.tell(update(order, BrokerStatus.TRADED, a_trade(2)))

    assert [one.order_id for one in reports(stage)] == [order.id]


def test_who_asks_is_told_how_orders_stand_and_nothing_of_those_unknown() -> None:
    entry, sale = an_entry(1), an_exit_order()
    stage = a_stage(a_store_with(entry, sale))
    stage.tell(update(entry, BrokerStatus.TRADED, a_trade(1)))

    stage.tell(ReportOrders(at=later(1), reply_to="somebody", order_ids=(entry.id, sale.id, "unknown")))

    (answer,) = stage.told("somebody", OrderReports)
    assert [(one.order_id, one.filled_quantity, one.is_final, one.tag) for one in answer.reports] == [
        (entry.id, LOT, True, entry.tag),
        (sale.id, 0, False, sale.tag),
    ]


def test_a_crash_has_the_book_told_again_and_books_what_was_lost() -> None:
    order = an_entry(1)
    stage = a_stage(a_store_with(order))
    told = update(order, BrokerStatus.TRADED, a_trade(1))
    mark = stage.mark

    stage.crash("order_update_handler", told)
    asked = len(stage.said(SweepOrders, mark))
    stage.tell(told)

    assert asked == 1
    assert [one.filled_quantity for one in reports(stage)] == [LOT]


_TOLD = st.lists(
    st.tuples(st.sets(st.integers(0, 3)), st.sampled_from([BrokerStatus.PENDING, BrokerStatus.PART_TRADED])), max_size=8
)


@given(told=_TOLD)
def test_however_often_and_in_whatever_order_trades_are_told_the_sums_are_right(
    told: list[tuple[set[int], BrokerStatus]],
) -> None:
    order = an_entry(4)
    store = a_store_with(order)
    stage = a_stage(store)
    trades = [a_trade(number, LOT, 100_00 + number) for number in range(4)]

    for numbers, status in told:
        stage.tell(update(order, status, *(trades[number] for number in sorted(numbers, reverse=True))))

    seen = set().union(*(numbers for numbers, _ in told)) if told else set()
    row = row_of(store, order)
    assert row.filled_quantity == len(seen) * LOT <= order.quantity
    assert row.filled_value_paise == sum(trades[number].price_paise * LOT for number in seen)
    assert [one.filled_quantity for one in reports(stage)] == sorted(one.filled_quantity for one in reports(stage))
    store.close()
