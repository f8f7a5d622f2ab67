"""Orders and fills in the database."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import pytest

from scalper.domain.charges import NO_CHARGES, Charges
from scalper.domain.orders import BrokerStatus, Order, OrderType, SendState, order_id_of
from scalper.errors import TransitionError
from scalper.store.database import Store
from scalper.store.errors import Conflict
from scalper.store.orders import OrderRepository, insert_orders
from tests.builders import ACCOUNT, DAY, ELEVEN, an_exit_order, an_order, later
from tests.store.ground import a_fill, row_count, totals_of

NEW, SENT, ACCEPTED, UNKNOWN = SendState.NEW, SendState.SENT, SendState.ACCEPTED, SendState.UNKNOWN
LATER = later(1)


def stored(store: Store, *orders: Order) -> OrderRepository:
    with store.unit() as unit:
        insert_orders(store, orders)
        unit.commit()
    return OrderRepository(store)


@pytest.mark.parametrize(
    "order",
    [
        an_order(),
        an_order(order_type=OrderType.MARKET, limit_price_paise=0, sent_at=ELEVEN, updated_at=LATER, slice_no=2),
    ],
    ids=["new", "sent"],
)
def test_an_order_comes_back_as_it_was(store: Store, order: Order) -> None:
    repository = OrderRepository(store)
    with store.unit() as unit:
        repository.insert(order)
        unit.commit()

    assert repository.order(order.id) == order
    assert repository.order("nobody's") is None


def test_a_correlation_id_exists_once_an_account_and_day(store: Store) -> None:
    tomorrow = DAY + timedelta(days=1)
    stored(
        store,
        an_order("x-1"),
        an_order("x-1", id=order_id_of(ACCOUNT, tomorrow, "x-1"), day=tomorrow),
        an_order("x-1", id=order_id_of("live", DAY, "x-1"), account_id="live"),
    )

    with pytest.raises(Conflict):
        stored(store, an_order("x-1", id="another"))


def test_sending_is_told_step_by_step(store: Store) -> None:
    order = an_order()
    repository = stored(store, order)
    with store.unit() as unit:
        sent = repository.set_send_state(order.id, [NEW], SENT, ELEVEN)
        accepted = repository.set_send_state(order.id, [SENT, UNKNOWN], ACCEPTED, LATER, broker_order_id="112")
        too_late = repository.set_send_state(order.id, [SENT], UNKNOWN, LATER, reason_text="timeout")
        unit.commit()

    assert (sent, accepted, too_late) == (True, True, False)
    assert repository.order(order.id) == an_order(
        send_state=ACCEPTED, broker_order_id="112", sent_at=ELEVEN, updated_at=LATER
    )


def test_a_step_that_does_not_exist_is_a_bug(store: Store) -> None:
    repository = stored(store, an_order())

    with pytest.raises(TransitionError), store.unit():
        repository.set_send_state(an_order().id, [ACCEPTED], UNKNOWN, ELEVEN)


def test_a_refusal_keeps_its_words(store: Store) -> None:
    repository = stored(store, an_order())
    with store.unit() as unit:
        repository.set_send_state(an_order().id, [NEW], SendState.REJECTED, ELEVEN, reason_text="DH-905 bad price")
        unit.commit()

    kept = repository.order(an_order().id)
    assert kept is not None
    assert (kept.reason_text, kept.is_final) == ("DH-905 bad price", True)


@pytest.mark.parametrize(
    "final", [BrokerStatus.TRADED, BrokerStatus.CANCELLED, BrokerStatus.REJECTED, BrokerStatus.EXPIRED]
)
def test_nothing_follows_a_final_status(store: Store, final: BrokerStatus) -> None:
    order = an_order()
    repository = stored(store, order)
    with store.unit() as unit:
        assert repository.set_broker_status(order.id, BrokerStatus.PENDING, ELEVEN)
        assert repository.set_broker_status(order.id, final, LATER, reason_text="RMS: margin")
        assert not repository.set_broker_status(order.id, BrokerStatus.PENDING, later(1, LATER))
        assert not repository.set_limit_price(order.id, 1, LATER)
        unit.commit()

    assert repository.order(order.id) == an_order(broker_status=final, reason_text="RMS: margin", updated_at=LATER)


def test_a_resting_order_is_repriced(store: Store) -> None:
    repository = stored(store, an_order(broker_status=BrokerStatus.PENDING))
    with store.unit() as unit:
        assert repository.set_limit_price(an_order().id, 99_00, LATER)
        unit.commit()

    kept = repository.order(an_order().id)
    assert kept is not None
    assert (kept.limit_price_paise, kept.updated_at) == (99_00, LATER)


def test_a_fill_is_counted_once_however_often_it_is_told(store: Store) -> None:
    order = an_order()
    repository = stored(store, order)
    with store.unit() as unit:
        first = repository.add_fill(a_fill(), totals_of(order, 65, 6_500_00))
        again = repository.add_fill(a_fill(), totals_of(order, 130, 13_000_00))
        unit.commit()

    assert (first, again) == (True, False)
    assert repository.fills_of([order.id]) == (a_fill(),)
    kept = repository.order(order.id)
    assert kept is not None
    assert (kept.filled_quantity, kept.filled_value_paise, kept.charges_paise) == (65, 6_500_00, 26_54)


@pytest.mark.parametrize("told", list(itertools.permutations((1, 2, 3))))
def test_fills_may_be_told_in_any_order(store: Store, told: tuple[int, ...]) -> None:
    order = an_order(quantity=195)
    repository = stored(store, order)

    with store.unit() as unit:
        for number in told:
            fill = a_fill(f"T{number}", at=later(number))
            repository.add_fill(fill, totals_of(order, 65 * number, 6_500_00 * number))
        unit.commit()

    kept = repository.order(order.id)
    assert kept is not None
    assert (kept.filled_quantity, kept.filled_value_paise) == (195, 19_500_00)
    assert [fill.exchange_trade_id for fill in repository.fills_of([order.id])] == ["T1", "T2", "T3"]


def test_a_trade_number_is_of_one_account(store: Store) -> None:
    order = an_order()
    repository = stored(store, order)
    with store.unit() as unit:
        assert repository.add_fill(a_fill("T1"), totals_of(order, 65, 6_500_00))
        assert repository.add_fill(a_fill("T1", account_id="live"), totals_of(order, 65, 6_500_00))
        unit.commit()

    assert row_count(store, "charges") == 2


def test_of_threads_that_add_one_fill_one_wins(store: Store) -> None:
    order = an_order()
    stored(store, order)
    answers: list[bool] = []
    together = threading.Barrier(4)

    def add() -> None:
        together.wait(10)
        with store.unit() as unit:
            answers.append(OrderRepository(store).add_fill(a_fill(), totals_of(order, 65, 6_500_00)))
            unit.commit()
        store.close_thread()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(answers) == [False, False, False, True]


def test_charges_are_summed_by_component_an_order(store: Store) -> None:
    entry, leaving, idle = an_order(), an_exit_order(), an_order("entry-9")
    repository = stored(store, entry, leaving, idle)
    with store.unit() as unit:
        repository.add_fill(a_fill("T1", charges=Charges(brokerage=20_00, stamp=7)), totals_of(entry, 30, 3_000_00))
        repository.add_fill(a_fill("T2", charges=Charges(stamp=3, gst=1)), totals_of(entry, 65, 6_500_00))
        repository.add_fill(a_fill("T3", leaving, charges=Charges(stt=6_50)), totals_of(leaving, 65, 7_000_00))
        unit.commit()

    assert repository.charges_of([entry.id, leaving.id, idle.id]) == {
        entry.id: Charges(brokerage=20_00, stamp=10, gst=1),
        leaving.id: Charges(stt=6_50),
        idle.id: NO_CHARGES,
    }
    assert (repository.fills_of([]), repository.charges_of([])) == ((), {})


@pytest.mark.parametrize("send_state", SendState)
@pytest.mark.parametrize("broker_status", BrokerStatus)
def test_an_order_may_be_alive_until_it_is_known_to_be_dead(
    memory: Store, send_state: SendState, broker_status: BrokerStatus
) -> None:
    order = an_order(send_state=send_state, broker_status=broker_status)
    repository = stored(memory, order, an_order("other-1", account_id="other"))

    alive = repository.possibly_alive(ACCOUNT)

    assert alive == (() if order.is_final else (order,))


def test_orders_are_found_by_broker_id_day_and_position(store: Store) -> None:
    entry = an_order(broker_order_id="112")
    retry = an_exit_order("stop_loss_30pct-2a", attempt=1, created_at=LATER)
    leaving = an_exit_order(position_id=2, broker_order_id="113")
    of_live = an_order(id="live/1", account_id="live", broker_order_id="112")
    repository = stored(store, retry, leaving, entry, of_live)

    assert repository.by_broker_id(ACCOUNT, "112") == entry
    assert repository.by_broker_id("live", "112") == of_live
    assert repository.by_broker_id(ACCOUNT, "404") is None
    assert repository.of_day(ACCOUNT, DAY) == (entry, leaving, retry)
    assert repository.of_day(ACCOUNT, DAY + timedelta(days=1)) == ()
    assert repository.of_position(2) == (leaving,)
