"""A start on rows of which one owner has written its part and another has not: the process died in between."""

from __future__ import annotations

import pytest

from scalper.actors.messages.exits import ExitCandidateDropped, ExitIntentApproved
from scalper.actors.signal_manager import SignalManager
from scalper.domain.charges import Charges
from scalper.domain.orders import BrokerStatus, Fill, OrderSide, SendState
from scalper.domain.positions import OrderTotals, PositionStatus
from scalper.domain.reasons import ExitReason
from scalper.domain.signals import ExitSignal, IntentStatus, SignalStatus
from scalper.runtime.actor import Link
from scalper.store.database import Store
from scalper.store.orders import OrderRepository, insert_orders
from scalper.store.signals import SignalRepository
from tests.actors.harness import Stage, a_store
from tests.builders import (
    ACCOUNT,
    BOOKING,
    DAY,
    ELEVEN,
    LOT,
    SESSION,
    a_candidate,
    a_position,
    a_tick,
    an_exit_intent,
    an_exit_order,
    an_order,
    clock,
    later,
)
from tests.system.live_tree import live_tree

#: 11:00:10 in India.
TEN_SECONDS_LATER = "2026-01-13 05:30:10"
SALE_PAISE = 69_80


def a_sale(store: Store, status: IntentStatus) -> None:
    """The rows of an exit that was filled to its last unit, its position left as it was."""
    order = an_exit_order(send_state=SendState.ACCEPTED, broker_status=BrokerStatus.TRADED)
    signal = ExitSignal(
        id=1,
        position_id=1,
        reason=ExitReason.STOP_LOSS,
        episode=1,
        ltp_paise=70_00,
        evidence="{}",
        status=SignalStatus.PUBLISHED,
        detected_at=ELEVEN,
    )
    fill = Fill(
        account_id=ACCOUNT,
        exchange_trade_id="T1",
        order_id=order.id,
        position_id=1,
        side=OrderSide.SELL,
        quantity=LOT,
        price_paise=SALE_PAISE,
        at=ELEVEN,
        charges=Charges(brokerage=20_00),
    )
    SignalRepository(store).insert_exit(signal, an_exit_intent(status=status), (order,))
    totals = OrderTotals(order.id, order.side, LOT, LOT, LOT * SALE_PAISE, 20_00, is_final=True)
    OrderRepository(store).add_fill(fill, totals)


@pytest.mark.parametrize("status", [IntentStatus.APPROVED, IntentStatus.PLACED, IntentStatus.FILLED])
def test_a_sale_that_its_position_never_heard_of_closes_it_and_is_not_made_again(status: IntentStatus) -> None:
    with live_tree(TEN_SECONDS_LATER, a_position(), prepare=lambda store: a_sale(store, status)) as tree:
        for _ in range(12):
            tree.move(0.25, a_tick(69_90, at=clock("11:00:10")))

        position = tree.position()
        assert [order for order in tree.orders() if order[0] == "SELL"] == [("SELL", "stop_loss_30pct", "TRADED")]
        assert (position.status, position.quantity, position.exit_tag) == (PositionStatus.EXITED, 0, "stop_loss_30pct")
        assert position.gross_paise == (SALE_PAISE - 100_00) * LOT


def test_a_claim_made_before_the_last_sale_was_booked_is_dropped_and_may_come_again_after_its_cool_down() -> None:
    store = a_store()
    with store.unit() as unit:
        insert_orders(store, [an_order(filled_quantity=LOT, broker_status=BrokerStatus.TRADED)])
        a_sale(store, IntentStatus.FILLED)
        unit.commit()
    stage = Stage({"signal_manager": (SignalManager, lambda link: a_signal_manager(link, store))})

    stage.tell(a_candidate())

    assert [dropped.retry_at for dropped in stage.said(ExitCandidateDropped)] == [later(1)]
    assert stage.said(ExitIntentApproved) == []
    assert len(OrderRepository(store).of_position(1)) == 2


def a_signal_manager(link: Link, store: Store) -> SignalManager:
    return SignalManager(link, store=store, day=DAY, session=SESSION, accounts=(ACCOUNT,), rules=BOOKING, rearm_s=5)
