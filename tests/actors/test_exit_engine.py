"""ExitEngine presses an approved exit on until it is sold or has ended, over crashes too."""

from __future__ import annotations

from datetime import datetime

import pytest

from scalper.actors.exit_engine import ExitEngine
from scalper.actors.messages.exits import (
    ExitFailed,
    ExitFilled,
    ExitIntentApproved,
    ExitPlaced,
    LiveExits,
    ReportLiveExits,
)
from scalper.actors.messages.orders import (
    CancelOrder,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderNotPlaced,
    OrderPartiallyFilled,
    OrderRejected,
    OrderReport,
    OrderReports,
    ReportOrders,
    ReviseOrder,
    SubmitOrders,
)
from scalper.actors.messages.positions import PositionMarked
from scalper.domain.orders import Order, OrderType
from scalper.domain.signals import ExitIntent, IntentStatus
from scalper.domain.times import us_from
from tests.actors.harness import Stage, restarted
from tests.builders import (
    ELEVEN,
    LOT,
    OPTION_KEY,
    a_report,
    an_exit_intent,
    an_exit_order,
    an_order,
    later,
)

GATEWAY = "order_gateway.paper"


def a_stage(*live: ExitIntent, orders: tuple[Order, ...] = ()) -> Stage:
    """ExitEngine after its recovery, with these exits in flight."""
    stage = Stage(
        {"exit_engine": (ExitEngine, lambda link: ExitEngine(link, cushion_ticks=2, tick_sizes={OPTION_KEY: 5}))}
    )
    stage.tell(LiveExits(at=ELEVEN, intents=live, orders=orders))
    return stage


def approved(*orders: Order, intent: ExitIntent | None = None, at: datetime = ELEVEN) -> ExitIntentApproved:
    chosen = orders or (an_exit_order(),)
    quantity = sum(order.quantity for order in chosen)
    return ExitIntentApproved(at=at, intent=intent or an_exit_intent(quantity=quantity), orders=chosen)


def accepted(order: Order, at: datetime = ELEVEN) -> OrderAccepted:
    return OrderAccepted(
        at=at,
        order_id=order.id,
        position_id=order.position_id,
        intent_id=order.intent_id,
        purpose=order.purpose,
        broker_order_id="B1",
    )


def marked(bid_paise: int, at: datetime) -> PositionMarked:
    return PositionMarked(
        at=at,
        position_id=1,
        key=OPTION_KEY,
        ltp_paise=bid_paise + 5,
        bid_paise=bid_paise,
        tick_at_us=us_from(at),
        pnl_paise=0,
    )


def test_an_approved_exit_is_sent_to_the_gateway_of_its_account() -> None:
    stage = a_stage()

    stage.tell(approved())

    assert [command.orders for command in stage.told(GATEWAY, SubmitOrders)] == [(an_exit_order(),)]


def test_an_approval_that_is_told_twice_is_sent_once() -> None:
    stage = a_stage()

    stage.tell(approved(), approved())

    assert len(stage.told(GATEWAY, SubmitOrders)) == 1


def test_an_exit_is_placed_once_however_many_slices_are_accepted() -> None:
    stage = a_stage()
    slices = (an_exit_order("a-1"), an_exit_order("a-1b"))

    stage.tell(approved(*slices), *(accepted(order) for order in slices))

    assert [placed.intent_id for placed in stage.said(ExitPlaced)] == [1]


def test_an_exit_is_filled_when_its_last_slice_is() -> None:
    stage = a_stage()
    first, second = an_exit_order("a-1"), an_exit_order("a-1b")

    stage.tell(approved(first, second), a_report(OrderFilled, first, LOT))
    before = len(stage.said(ExitFilled))
    stage.tell(a_report(OrderFilled, second, LOT))

    assert (before, len(stage.said(ExitFilled)), stage.said(ExitFailed)) == (0, 1, [])


@pytest.mark.parametrize("kind", [OrderCancelled, OrderRejected, OrderNotPlaced])
def test_an_exit_that_ends_with_units_left_has_failed(kind: type[OrderReport]) -> None:
    stage = a_stage()
    order = an_exit_order(quantity=3 * LOT)

    stage.tell(
        approved(order),
        a_report(OrderPartiallyFilled, order, LOT),
        a_report(kind, order, LOT, is_final=True, text="refused"),
    )

    (ended,) = stage.said(ExitFailed)
    assert (ended.quantity_left, ended.text) == (2 * LOT, "refused")


def test_one_dead_slice_does_not_end_an_exit_whose_other_slice_rests() -> None:
    stage = a_stage()
    first, second = an_exit_order("a-1"), an_exit_order("a-1b")

    stage.tell(approved(first, second), a_report(OrderRejected, first, is_final=True))
    before = len(stage.said(ExitFailed))
    stage.tell(a_report(OrderFilled, second, LOT))

    assert (before, [ended.quantity_left for ended in stage.said(ExitFailed)]) == (0, [LOT])


@pytest.mark.parametrize("late", [0, LOT])
def test_a_report_that_comes_late_changes_nothing(late: int) -> None:
    stage = a_stage()
    order = an_exit_order(quantity=2 * LOT)

    stage.tell(approved(order), a_report(OrderFilled, order, 2 * LOT), a_report(OrderPartiallyFilled, order, late))
    stage.pulse(later(2), later(20))

    assert (len(stage.said(ExitFilled)), stage.said(ExitFailed), stage.said(CancelOrder)) == (1, [], [])


def test_an_entry_order_is_none_of_its_business() -> None:
    stage = a_stage()
    entry = an_order()

    stage.tell(approved(), accepted(entry), a_report(OrderFilled, entry, LOT))

    assert (stage.said(ExitPlaced), stage.said(ExitFilled)) == ([], [])


def test_a_resting_order_follows_the_bid_every_two_seconds() -> None:
    stage = a_stage()

    stage.tell(approved(), accepted(an_exit_order()), marked(68_00, later(0.5)))
    stage.pulse(later(1.75), later(2))
    stage.tell(marked(66_00, later(2.1)))
    stage.pulse(later(3.75), later(4), later(6))

    assert [(one.at, one.limit_price_paise) for one in stage.said(ReviseOrder)] == [
        (later(2), 67_90),
        (later(4), 65_90),
    ]


def test_a_bid_of_an_earlier_exit_prices_nothing() -> None:
    stage = a_stage()
    again = an_exit_order("stop_loss_30pct-3", intent_id=2)
    stage.tell(approved(), marked(90_00, later(0.1)), a_report(OrderFilled, an_exit_order(), LOT))

    stage.tell(approved(again, intent=an_exit_intent(2), at=later(60)))
    stage.pulse(later(62))

    assert stage.said(ReviseOrder) == []


def test_a_market_order_has_no_price_to_change() -> None:
    stage = a_stage()
    order = an_exit_order(order_type=OrderType.MARKET, limit_price_paise=0)

    stage.tell(approved(order), marked(68_00, later(0.5)))
    stage.pulse(later(2), later(4))

    assert stage.said(ReviseOrder) == []


def test_after_fifteen_seconds_what_rests_is_cancelled_until_it_has_ended() -> None:
    stage = a_stage()
    filled, resting = an_exit_order("a-1"), an_exit_order("a-1b")
    stage.tell(approved(filled, resting), a_report(OrderFilled, filled, LOT))

    stage.pulse(later(14.75), later(15), later(15.25), later(17), later(19))
    stage.tell(a_report(OrderCancelled, resting, is_final=True, at=later(19.5)))
    stage.pulse(later(22))

    assert [(one.at, one.order_id) for one in stage.said(CancelOrder)] == [
        (later(seconds), resting.id) for seconds in (15, 17, 19)
    ]
    assert len(stage.said(ExitFailed)) == 1


def test_a_fill_that_wins_against_the_cancel_is_a_fill() -> None:
    stage = a_stage()
    stage.tell(approved())

    stage.pulse(later(15))
    stage.tell(a_report(OrderFilled, an_exit_order(), LOT, at=later(15.1)))

    assert (len(stage.said(ExitFilled)), stage.said(ExitFailed)) == (1, [])


def test_a_restart_takes_live_exits_up_and_asks_how_their_orders_stand() -> None:
    order = an_exit_order()

    stage = a_stage(an_exit_intent(status=IntentStatus.PLACED), orders=(order,))
    stage.tell(OrderReports(at=ELEVEN, reports=(a_report(OrderFilled, order, LOT),)))

    assert [one.order_ids for one in stage.told("order_update_handler", ReportOrders)] == [(order.id,)]
    assert [one.intent_id for one in stage.said(ExitFilled)] == [1]


def test_until_it_knows_what_is_in_flight_nothing_is_done() -> None:
    stage = Stage(
        {"exit_engine": (ExitEngine, lambda link: ExitEngine(link, cushion_ticks=2, tick_sizes={OPTION_KEY: 5}))}
    )

    stage.tell(approved())
    before = len(stage.said(SubmitOrders))
    stage.tell(LiveExits(at=ELEVEN, intents=(), orders=()))

    assert (before, len(stage.said(SubmitOrders))) == (0, 1)


def test_a_crash_asks_for_what_is_in_flight() -> None:
    stage = a_stage()
    mark = stage.mark

    stage.crash("exit_engine", approved())
    stage.tell(LiveExits(at=ELEVEN, intents=(an_exit_intent(),), orders=(an_exit_order(),)))

    assert len(stage.told("signal_manager", ReportLiveExits, mark)) == 1
    assert [one.orders for one in stage.told(GATEWAY, SubmitOrders, mark)] == [(an_exit_order(),)]


@pytest.mark.parametrize("name", ["order_update_handler", GATEWAY])
def test_when_an_order_actor_fails_exits_are_sent_and_asked_about_again(name: str) -> None:
    stage = a_stage()
    stage.tell(approved())
    mark = stage.mark

    stage.tell(restarted(name, later(1)))

    assert len(stage.told(GATEWAY, SubmitOrders, mark)) == 1
    assert len(stage.told("order_update_handler", ReportOrders, mark)) == 1


def test_when_signal_manager_fails_it_is_asked_what_it_approved() -> None:
    stage = a_stage()
    mark = stage.mark

    stage.tell(restarted("signal_manager"))

    assert len(stage.told("signal_manager", ReportLiveExits, mark)) == 1
