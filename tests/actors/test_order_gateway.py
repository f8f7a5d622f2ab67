"""OrderGateway sends each order once and knows what it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from scalper.actors.messages.feed import HeldTicks
from scalper.actors.messages.orders import (
    CancelOrder,
    OrderAccepted,
    OrderNotPlaced,
    OrderRejected,
    OrderReports,
    OrderUnknown,
    OrderUpdate,
    ReportOrders,
    ReviseOrder,
    SubmitOrders,
    SweepOrders,
)
from scalper.actors.order_gateway import OrderGateway
from scalper.broker.paper import PaperBroker, PaperRules
from scalper.broker.ports import BookEntry, OrderSeen, PlaceOutcome
from scalper.domain.orders import BrokerStatus, Order, SendState
from scalper.errors import BrokerError
from scalper.store.database import Store
from scalper.store.orders import OrderRepository
from tests.actors.harness import Stage, a_store
from tests.builders import (
    ACCOUNT,
    ELEVEN,
    LOT,
    OPTION_KEY,
    SESSION,
    a_tick,
    an_exit_order,
    an_instrument,
    an_order,
    later,
)

GATEWAY = "order_gateway.paper"


class ShakyBroker(PaperBroker):
    """A paper broker behind a line that loses things.

    Attributes:
        loses_answers: Orders arrive and are taken, but nobody hears of it.
        loses_orders: Orders do not arrive, and nobody hears of that either.
        is_silent: The book cannot be read.
        placed: Every order that arrived, in order.
    """

    def __init__(self) -> None:
        super().__init__({OPTION_KEY: an_instrument()}, SESSION, PaperRules())
        self.loses_answers = self.loses_orders = self.is_silent = False
        self.placed: list[str] = []
        self.looked_up: list[datetime] = []

    def place(self, order: Order, at: datetime) -> PlaceOutcome:
        if self.loses_orders:
            return PlaceOutcome(state=SendState.UNKNOWN, text="no answer in 3 s")
        self.placed.append(order.id)
        outcome = super().place(order, at)
        return PlaceOutcome(state=SendState.UNKNOWN, text="no answer in 3 s") if self.loses_answers else outcome

    def look_up(self, order: Order, at: datetime) -> BookEntry | None:
        self.looked_up.append(at)
        self._refuse_when_silent()
        return super().look_up(order, at)

    def book(self, at: datetime) -> Sequence[OrderSeen]:
        self._refuse_when_silent()
        return super().book(at)

    def _refuse_when_silent(self) -> None:
        if self.is_silent:
            raise BrokerError("503 from the broker")


def a_stage(broker: ShakyBroker, store: Store, *orders: Order) -> Stage:
    """The gateway, with these orders born as rows after it has recovered."""

    def make(link: Any) -> OrderGateway:
        return OrderGateway(link, account_id=ACCOUNT, broker=broker, store=store, settle_s=5, before_send=lambda: None)

    stage = Stage({GATEWAY: (OrderGateway, make)})
    born(store, *orders)
    return stage


def born(store: Store, *orders: Order) -> None:
    with store.unit() as unit:
        for order in orders:
            OrderRepository(store).insert(order)
        unit.commit()


def state_of(store: Store, order: Order) -> SendState:
    row = OrderRepository(store).order(order.id)
    assert row is not None
    return row.send_state


def submit(*orders: Order, at: datetime = ELEVEN) -> SubmitOrders:
    return SubmitOrders(at=at, orders=orders)


def seconds_of(moments: list[datetime]) -> list[float]:
    return [(at - ELEVEN).total_seconds() for at in moments]


def test_an_accepted_order_is_told_of_once_its_row_says_so() -> None:
    broker, store, order = ShakyBroker(), a_store(), an_order()
    stage = a_stage(broker, store, order)

    stage.tell(submit(order))

    assert state_of(store, order) is SendState.ACCEPTED
    assert [(one.order_id, one.broker_order_id) for one in stage.said(OrderAccepted)] == [
        (order.id, f"P260113-{order.correlation_id}")
    ]


def test_an_order_is_sent_once_however_often_it_is_asked_for() -> None:
    broker, order = ShakyBroker(), an_order()
    stage = a_stage(broker, a_store(), order)

    stage.tell(submit(order), submit(order), submit(order, at=later(60)))

    assert broker.placed == [order.id]


def test_the_message_log_goes_out_before_every_order() -> None:
    broker, store = ShakyBroker(), a_store()
    first, second = an_order("a-1"), an_order("a-2")
    put_out: list[int] = []

    def make(link: Any) -> OrderGateway:
        return OrderGateway(
            link,
            account_id=ACCOUNT,
            broker=broker,
            store=store,
            settle_s=5,
            before_send=lambda: put_out.append(len(broker.placed)),
        )

    stage = Stage({GATEWAY: (OrderGateway, make)})
    born(store, first, second)
    stage.tell(submit(first, second))

    assert put_out == [0, 1]


def test_a_refused_order_has_ended() -> None:
    store, order = a_store(), an_order(limit_price_paise=100_02)
    stage = a_stage(ShakyBroker(), store, order)

    stage.tell(submit(order))

    (rejected,) = stage.said(OrderRejected)
    assert (rejected.is_final, rejected.filled_quantity) == (True, 0)
    assert "not on the tick" in rejected.text
    assert state_of(store, order) is SendState.REJECTED


@pytest.mark.parametrize("state", [SendState.REJECTED, SendState.NOT_PLACED])
def test_an_order_that_ended_unplaced_is_never_sent_again_but_told_of(state: SendState) -> None:
    broker, store, order = ShakyBroker(), a_store(), an_order()
    stage = a_stage(broker, store, an_order(send_state=state, reason_text="no"))

    stage.tell(submit(order))

    told = [*stage.said(OrderRejected), *stage.said(OrderNotPlaced)]
    assert (broker.placed, [(one.is_final, one.text) for one in told]) == ([], [(True, "no")])


def test_an_order_that_ended_unplaced_while_it_was_looked_up_is_told_of_again_and_never_sent() -> None:
    broker, store, order = ShakyBroker(), a_store(), an_exit_order()
    born(store, order)
    stage = a_stage(broker, store)
    stage.pulse(later(5), later(7), later(9))

    stage.tell(submit(order, at=later(10)))

    assert [one.at for one in stage.said(OrderNotPlaced)] == [later(7), later(10)]
    assert broker.placed == []


@pytest.mark.parametrize("status", [BrokerStatus.TRADED, BrokerStatus.CANCELLED])
def test_after_a_restart_an_order_that_has_ended_is_not_sent_again(status: BrokerStatus) -> None:
    broker, store, order = ShakyBroker(), a_store(), an_exit_order()
    born(store, an_exit_order(send_state=SendState.ACCEPTED, broker_status=status, filled_quantity=LOT))
    stage = a_stage(broker, store)

    stage.tell(submit(order))
    stage.pulse(later(1), later(10))

    assert broker.placed == []


@pytest.mark.parametrize("state", [SendState.NEW, SendState.SENT, SendState.UNKNOWN])
def test_after_a_restart_an_order_that_may_have_been_sent_is_looked_up_and_not_sent(state: SendState) -> None:
    broker, store, order = ShakyBroker(), a_store(), an_order()
    broker.place(order, ELEVEN)
    born(store, an_order(send_state=state))
    stage = a_stage(broker, store)

    stage.tell(submit(order, at=later(0.1)))
    stage.pulse(later(1))

    assert broker.placed == [order.id]
    assert state_of(store, order) is SendState.ACCEPTED
    assert len(stage.said(OrderAccepted)) == 1


def test_after_a_restart_an_order_that_rests_goes_on_resting() -> None:
    broker, store, order = ShakyBroker(), a_store(), an_order(send_state=SendState.ACCEPTED)
    born(store, order)
    stage = a_stage(broker, store)

    stage.tell(HeldTicks(at=later(1), ticks=(a_tick(at=later(1)),)))

    assert [(one.order_id, one.status) for one in stage.said(OrderUpdate)][-1:] == [(order.id, BrokerStatus.TRADED)]


def test_an_answer_that_was_lost_is_found_in_the_book() -> None:
    broker, store, order = ShakyBroker(), a_store(), an_order()
    broker.loses_answers = True
    stage = a_stage(broker, store, order)

    stage.tell(submit(order))
    before = state_of(store, order)
    stage.pulse(later(0.75), later(1))

    assert (before, state_of(store, order)) == (SendState.UNKNOWN, SendState.ACCEPTED)
    assert [one.order_id for one in stage.said(OrderUnknown)] == [order.id]
    assert len(stage.said(OrderAccepted)) == 1
    assert broker.placed == [order.id]


def test_an_order_is_not_placed_after_two_readings_apart_and_the_time_to_settle() -> None:
    broker, store, order = ShakyBroker(), a_store(), an_order()
    broker.loses_orders = True
    stage = a_stage(broker, store, order)
    stage.tell(submit(order))

    stage.pulse(*(later(quarter / 4) for quarter in range(1, 20)))
    before = stage.said(OrderNotPlaced)
    stage.pulse(later(5), later(6), later(7))

    assert before == []
    assert [(one.at, one.is_final) for one in stage.said(OrderNotPlaced)] == [(later(5), True)]
    assert state_of(store, order) is SendState.NOT_PLACED
    assert seconds_of(broker.looked_up) == [1, 2, 3, 4, 5]


def test_two_readings_that_lie_too_close_are_one() -> None:
    broker, order = ShakyBroker(), an_order()
    broker.loses_orders = broker.is_silent = True
    stage = a_stage(broker, a_store(), order)
    stage.tell(submit(order))
    stage.pulse(*(later(second) for second in range(1, 9)))

    broker.is_silent = False
    stage.pulse(later(9), later(10), later(11))

    assert [one.at for one in stage.said(OrderNotPlaced)] == [later(11)]


def test_a_book_that_cannot_be_read_teaches_nothing() -> None:
    broker, store, order = ShakyBroker(), a_store(), an_order()
    broker.loses_orders = broker.is_silent = True
    stage = a_stage(broker, store, order)

    stage.tell(submit(order))
    stage.pulse(*(later(second) for second in range(1, 61)))

    assert (stage.said(OrderNotPlaced), stage.said(OrderAccepted)) == ([], [])
    assert state_of(store, order) is SendState.UNKNOWN


def test_what_happens_in_the_book_is_passed_on() -> None:
    broker, order = ShakyBroker(), an_order()
    stage = a_stage(broker, a_store(), order)
    stage.tell(submit(order))

    stage.tell(HeldTicks(at=later(1), ticks=(a_tick(at=later(1)),)))
    stage.pulse(later(2))

    (update,) = stage.said(OrderUpdate)
    assert (update.order_id, update.status, update.filled_quantity) == (order.id, BrokerStatus.TRADED, LOT)
    assert [trade.quantity for trade in update.trades] == [LOT]


def test_a_new_limit_is_kept_in_the_row() -> None:
    store, order = a_store(), an_order()
    stage = a_stage(ShakyBroker(), store, order)
    stage.tell(submit(order))

    stage.tell(ReviseOrder(at=later(2), order_id=order.id, limit_price_paise=101_00))

    row = OrderRepository(store).order(order.id)
    assert row is not None
    assert row.limit_price_paise == 101_00


def test_a_limit_the_broker_refused_to_change_stays_in_the_row() -> None:
    store, order = a_store(), an_order()
    stage = a_stage(ShakyBroker(), store, order)
    stage.tell(submit(order), HeldTicks(at=later(1), ticks=(a_tick(at=later(1)),)))

    stage.tell(ReviseOrder(at=later(2), order_id=order.id, limit_price_paise=101_00))

    row = OrderRepository(store).order(order.id)
    assert row is not None
    assert row.limit_price_paise == order.limit_price_paise


def test_a_cancelled_order_ends_in_the_book() -> None:
    order = an_order()
    stage = a_stage(ShakyBroker(), a_store(), order)
    stage.tell(submit(order))

    stage.tell(CancelOrder(at=later(60), order_id=order.id))
    stage.pulse(later(60.25))

    assert [one.status for one in stage.said(OrderUpdate)] == [BrokerStatus.CANCELLED]


def test_an_order_that_was_never_sent_is_ended_by_its_cancel_and_never_sent_after_it() -> None:
    broker, store, order = ShakyBroker(), a_store(), an_order()
    stage = a_stage(broker, store, order)

    stage.tell(CancelOrder(at=later(60), order_id=order.id), submit(order, at=later(61)))

    assert broker.placed == []
    assert state_of(store, order) is SendState.NOT_PLACED
    assert [one.order_id for one in stage.said(OrderNotPlaced)][:1] == [order.id]


def test_the_whole_book_is_told_again_when_it_is_asked_for() -> None:
    broker, order = ShakyBroker(), an_order()
    stage = a_stage(broker, a_store(), order)
    stage.tell(submit(order), HeldTicks(at=later(1), ticks=(a_tick(at=later(1)),)))

    stage.tell(SweepOrders(at=later(2)))

    first, again = stage.said(OrderUpdate)
    assert again.trades == first.trades


def test_a_book_that_could_not_be_told_is_told_at_a_later_pulse() -> None:
    broker, order = ShakyBroker(), an_order()
    stage = a_stage(broker, a_store(), order)
    stage.tell(submit(order), HeldTicks(at=later(1), ticks=(a_tick(at=later(1)),)))
    broker.is_silent = True
    stage.tell(SweepOrders(at=later(2)))
    stage.pulse(later(2.25))

    broker.is_silent = False
    stage.pulse(later(2.5), later(2.75))

    assert len(stage.said(OrderUpdate)) == 2


def test_who_asks_how_orders_stand_hears_of_those_that_ended_here() -> None:
    store = a_store()
    stage = a_stage(ShakyBroker(), store, an_order("a-1", send_state=SendState.REJECTED), an_order("a-2"))

    stage.tell(ReportOrders(at=later(1), reply_to="somebody", order_ids=(an_order("a-1").id, an_order("a-2").id, "?")))

    (answer,) = stage.told("somebody", OrderReports)
    assert [(one.order_id, one.is_final) for one in answer.reports] == [(an_order("a-1").id, True)]


def test_a_crash_at_the_letter_that_orders_a_sale_neither_loses_it_for_good_nor_sends_it_twice() -> None:
    broker, store, order = ShakyBroker(), a_store(), an_exit_order()
    stage = a_stage(broker, store, order)

    stage.crash(GATEWAY, submit(order))
    stage.tell(submit(order, at=later(0.1)))
    stage.pulse(*(later(second) for second in range(1, 8)))

    assert broker.placed == []
    assert [one.order_id for one in stage.said(OrderNotPlaced)] == [order.id]
