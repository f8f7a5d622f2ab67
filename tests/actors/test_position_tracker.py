"""PositionTracker books every fill once, whatever order its letters come in, and leaves nothing resting."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.actors.messages.exits import ExitIntentApproved
from scalper.actors.messages.orders import (
    CancelOrder,
    OrderCancelled,
    OrderFilled,
    OrderNotPlaced,
    OrderPartiallyFilled,
    OrderRejected,
    OrderReport,
    OrderReports,
    ReportOrders,
    SubmitOrders,
)
from scalper.actors.messages.positions import (
    PnlMark,
    PnlSynced,
    PositionCancelled,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    PositionPending,
    PositionProfitChanged,
    PositionSnapshot,
    ReportPositions,
    StopMoved,
    WalletChanged,
)
from scalper.actors.messages.risk import Alert, CircuitTripped
from scalper.actors.messages.signals import TradeIntentApproved
from scalper.actors.position_tracker import PositionTracker
from scalper.domain.orders import Order, OrderSide
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.reasons import ExitReason, StopSource
from scalper.store.database import Store
from scalper.store.orders import OrderRepository
from scalper.store.positions import PositionRepository
from tests.actors.harness import Stage, a_cache, a_store, restarted
from tests.builders import (
    ACCOUNT,
    BOOKING,
    DAY,
    ELEVEN,
    LOT,
    a_report,
    a_signal,
    a_tick,
    a_trail,
    an_exit_intent,
    an_exit_order,
    an_instrument,
    an_intent,
    later,
)

GATEWAY = "order_gateway.paper"
BALANCE = 100_000_00


def a_stage(store: Store | None = None, **told: Any) -> Stage:
    kept, cache = store or a_store(), told.pop("cache", None) or a_cache()

    def make(link: Any) -> PositionTracker:
        return PositionTracker(link, store=kept, cache=cache, day=DAY, balances={ACCOUNT: BALANCE}, rules=BOOKING)

    return Stage({"position_tracker": (PositionTracker, make)}, **told)


def approved(lots: int = 1, *, intent_id: int = 1, **contract: Any) -> TradeIntentApproved:
    return TradeIntentApproved(
        at=ELEVEN,
        intent=an_intent(intent_id, quantity=lots * LOT),
        signal=a_signal(),
        instrument=an_instrument(**contract),
        quote=a_tick(),
    )


def sent(stage: Stage) -> tuple[Order, ...]:
    """Every order handed to the gateway."""
    return tuple(order for command in stage.told(GATEWAY, SubmitOrders) for order in command.orders)


def a_stage_with_position(lots: int = 1, store: Store | None = None) -> tuple[Stage, Order]:
    """One position bought at 100 rupees, and its entry order."""
    stage = a_stage(store)
    stage.tell(approved(lots))
    (entry,) = sent(stage)
    stage.tell(a_report(OrderFilled, entry, lots * LOT))
    return stage, entry


def exit_approved(*orders: Order, seconds: float = 10) -> ExitIntentApproved:
    quantity = sum(order.quantity for order in orders)
    return ExitIntentApproved(at=later(seconds), intent=an_exit_intent(quantity=quantity), orders=orders)


def snapshot(stage: Stage) -> PositionSnapshot:
    mark = stage.mark
    stage.tell(ReportPositions(at=ELEVEN, reply_to="somebody"))
    (answer,) = stage.told("somebody", PositionSnapshot, mark)
    return answer


def the_position(stage: Stage) -> Position:
    told = snapshot(stage)
    (position,) = (*told.open_positions, *told.closed_today)
    return position


def test_position_and_orders_are_rows_before_anything_is_sent() -> None:
    store = a_store()
    stage = a_stage(store)

    stage.tell(approved())

    (position,) = PositionRepository(store).open_positions()
    assert (position.status, position.ordered_quantity) == (PositionStatus.PENDING, LOT)
    assert OrderRepository(store).of_position(position.id) == sent(stage)
    assert [type(letter.message).__name__ for letter, _ in stage.record.letters[1:]] == [
        "PositionPending",
        "SubmitOrders",
        "WalletChanged",
    ]


def test_an_intent_becomes_one_position_however_often_it_is_told() -> None:
    stage = a_stage()

    stage.tell(approved(), approved())

    assert (len(stage.said(PositionPending)), len(sent(stage))) == (1, 1)


def test_a_quantity_above_the_freeze_is_bought_in_slices() -> None:
    stage = a_stage()

    stage.tell(approved(40))

    assert [order.quantity for order in sent(stage)] == [27 * LOT, 13 * LOT]
    assert len({order.id for order in sent(stage)}) == 2


def test_a_fill_opens_the_position_at_its_average_price() -> None:
    stage = a_stage()
    stage.tell(approved(2))
    (entry,) = sent(stage)

    stage.tell(
        a_report(OrderPartiallyFilled, entry, LOT, 100_00),
        a_report(OrderFilled, entry, 2 * LOT, 101_03),
    )

    (opened,), (changed,) = stage.said(PositionOpened), stage.said(PositionChanged)
    assert (opened.position.quantity, opened.position.entry_price_paise) == (LOT, 100_00)
    assert (changed.position.quantity, changed.position.entry_price_paise) == (2 * LOT, 101_03)


def test_stop_and_target_are_set_with_the_first_fill() -> None:
    stage, _ = a_stage_with_position()

    position = the_position(stage)

    assert position.trail == a_trail(70_00, 100_00)
    assert position.target_paise == 160_00


@pytest.mark.parametrize("kind", [OrderCancelled, OrderRejected, OrderNotPlaced])
def test_an_entry_that_buys_nothing_is_cancelled(kind: type[OrderReport]) -> None:
    stage = a_stage()
    stage.tell(approved())
    (entry,) = sent(stage)

    stage.tell(a_report(kind, entry, is_final=True, text="no margin"))

    (cancelled,) = stage.said(PositionCancelled)
    assert (cancelled.position.status, cancelled.position.cancel_reason) == (PositionStatus.CANCELLED, "no margin")


def test_an_entry_that_ends_partly_filled_keeps_what_it_bought() -> None:
    stage = a_stage()
    stage.tell(approved(2))
    (entry,) = sent(stage)

    stage.tell(a_report(OrderPartiallyFilled, entry, LOT), a_report(OrderCancelled, entry, LOT, is_final=True))

    position = the_position(stage)
    assert (position.status, position.quantity) == (PositionStatus.ACTIVE, LOT)


def test_a_report_told_twice_is_booked_once() -> None:
    stage, entry = a_stage_with_position()
    mark = stage.mark

    stage.tell(a_report(OrderFilled, entry, LOT), a_report(OrderPartiallyFilled, entry, 0))

    assert stage.record.letters[mark + 2 :] == []
    assert the_position(stage).quantity == LOT


def test_a_sale_closes_the_position_at_its_net_result() -> None:
    store = a_store()
    stage, _ = a_stage_with_position(2, store)
    sale = an_exit_order(quantity=2 * LOT)

    stage.tell(
        exit_approved(sale),
        a_report(OrderPartiallyFilled, sale, LOT, 90_00, at=later(11)),
        a_report(OrderFilled, sale, 2 * LOT, 89_00, at=later(12)),
    )

    (closed,) = stage.said(PositionClosed)
    position = closed.position
    assert position.net_paise == 2 * LOT * (89_00 - 100_00) - 40_00
    assert (position.exit_reason, position.exit_tag, position.exited_at) == (
        ExitReason.STOP_LOSS,
        "stop_loss_30pct",
        later(12),
    )
    assert PositionRepository(store).get(1) == position


def test_while_units_are_left_the_position_stays_active() -> None:
    stage, _ = a_stage_with_position(2)
    sale = an_exit_order(quantity=2 * LOT)

    stage.tell(exit_approved(sale), a_report(OrderCancelled, sale, LOT, 90_00, is_final=True))

    position = the_position(stage)
    assert (position.status, position.quantity, stage.said(PositionClosed)) == (PositionStatus.ACTIVE, LOT, [])


def test_leaving_a_closed_position_out_nothing_changes_it() -> None:
    stage, entry = a_stage_with_position()
    sale = an_exit_order()
    stage.tell(exit_approved(sale), a_report(OrderFilled, sale, LOT, 90_00))
    before = the_position(stage)

    stage.tell(
        a_report(OrderFilled, sale, LOT, 90_00),
        a_report(OrderPartiallyFilled, entry, LOT),
        exit_approved(an_exit_order("late-3")),
        StopMoved(at=later(20), position_id=1, trail=a_trail(95_00), hwm_pnl_paise=9),
        PnlSynced(at=later(20), marks=(PnlMark(1, 7_00),)),
        PositionProfitChanged(at=later(20), position_id=1, since=later(20)),
    )

    assert the_position(stage) == before
    assert stage.said(Alert) == []


def test_units_bought_after_the_position_had_ended_call_a_person() -> None:
    stage = a_stage()
    stage.tell(approved())
    (entry,) = sent(stage)
    stage.tell(a_report(OrderNotPlaced, entry, is_final=True))

    stage.tell(a_report(OrderFilled, entry, LOT, at=later(9)))

    (alert,) = stage.said(Alert)
    assert alert.level == "CRITICAL"
    assert "position 1" in alert.text


@pytest.mark.parametrize(("waited_s", "orders"), [(30, 1), (30.25, 0)])
def test_an_approval_that_waited_too_long_leads_to_no_order(waited_s: float, orders: int) -> None:
    stage = a_stage()
    stage.pulse(later(waited_s))

    stage.tell(approved())

    assert len(sent(stage)) == orders
    assert [one.position.cancel_reason for one in stage.said(PositionCancelled)] == ["stale"] * (1 - orders)


def test_the_wallet_follows_cost_and_result() -> None:
    stage, _ = a_stage_with_position()
    sale = an_exit_order()

    stage.tell(exit_approved(sale), a_report(OrderFilled, sale, LOT, 90_00))

    wallets = [changed.wallet for changed in stage.said(WalletChanged)]
    result = -LOT * 10_00 - 40_00
    asked = approved().quote.ask_paise
    assert [wallet.cash_paise for wallet in wallets] == [
        BALANCE - LOT * asked,
        BALANCE - LOT * 100_00 - 20_00,
        BALANCE + result,
    ]
    assert (wallets[-1].equity_at_cost_paise, wallets[-1].realised_today_paise) == (BALANCE + result, result)


def test_an_entry_that_rests_for_a_minute_is_cancelled_until_it_has_ended() -> None:
    stage = a_stage()
    stage.tell(approved())
    (entry,) = sent(stage)

    stage.pulse(later(59.75), later(60), later(60.25), later(62))
    stage.tell(a_report(OrderCancelled, entry, is_final=True, at=later(62.5)))
    stage.pulse(later(64))

    assert [(one.at, one.order_id) for one in stage.told(GATEWAY, CancelOrder)] == [
        (later(60), entry.id),
        (later(62), entry.id),
    ]


def test_an_exit_ends_the_entry_orders_that_still_rest() -> None:
    stage = a_stage()
    stage.tell(approved(2))
    (entry,) = sent(stage)
    stage.tell(a_report(OrderPartiallyFilled, entry, LOT))

    stage.tell(exit_approved(an_exit_order()))
    stage.pulse(later(11), later(12))

    assert [(one.at, one.order_id) for one in stage.told(GATEWAY, CancelOrder)] == [
        (later(10), entry.id),
        (later(12), entry.id),
    ]


def test_a_sold_position_whose_entry_still_rests_is_not_closed_before_that_has_ended() -> None:
    stage = a_stage()
    stage.tell(approved(2))
    (entry,) = sent(stage)
    sale = an_exit_order()
    stage.tell(a_report(OrderPartiallyFilled, entry, LOT), exit_approved(sale), a_report(OrderFilled, sale, LOT))
    before = len(stage.said(PositionClosed))

    stage.tell(a_report(OrderCancelled, entry, LOT, is_final=True))

    assert (before, len(stage.said(PositionClosed))) == (0, 1)


def test_the_circuit_ends_the_entry_orders_of_its_account() -> None:
    stage = a_stage()
    stage.tell(approved())
    (entry,) = sent(stage)

    stage.tell(
        CircuitTripped(at=later(5), account_id=ACCOUNT, day=DAY, loss_bps=600, limit_bps=600, day_pnl_paise=-6_000_00)
    )

    assert [one.order_id for one in stage.told(GATEWAY, CancelOrder)] == [entry.id]


def test_a_moved_stop_is_kept_in_the_row() -> None:
    store = a_store()
    stage, _ = a_stage_with_position(store=store)
    trail = a_trail(106_70, 110_00, stop_source=StopSource.TRAIL, is_breakeven_locked=True)

    stage.tell(StopMoved(at=later(5), position_id=1, trail=trail, hwm_pnl_paise=650_00))

    row = PositionRepository(store).get(1)
    assert row is not None
    assert (row.trail, row.hwm_pnl_paise) == (trail, 650_00)
    assert the_position(stage).trail == trail


def test_a_stop_that_was_raised_by_a_dearer_fill_is_not_lowered_by_a_letter_from_before_it() -> None:
    store = a_store()
    stage = a_stage(store)
    stage.tell(approved(2))
    (entry,) = sent(stage)
    stage.tell(a_report(OrderPartiallyFilled, entry, LOT, 100_00), a_report(OrderFilled, entry, 2 * LOT, 102_00))
    raised = the_position(stage).trail

    stage.tell(StopMoved(at=later(1), position_id=1, trail=a_trail(70_00, 101_00), hwm_pnl_paise=1))
    stage.tell(exit_approved(an_exit_order(quantity=2 * LOT)))

    row = PositionRepository(store).get(1)
    assert raised is not None
    assert row is not None
    assert row.trail is not None
    assert raised.stop_paise == 71_40
    assert (row.trail.stop_paise, row.trail.hwm_ltp_paise) == (71_40, 102_00)
    assert the_position(stage).trail == row.trail


def test_marks_are_kept_while_the_position_is_open() -> None:
    store = a_store()
    stage, _ = a_stage_with_position(store=store)

    stage.tell(PnlSynced(at=later(30), marks=(PnlMark(1, -3_00), PnlMark(99, 5_00))))

    row = PositionRepository(store).get(1)
    assert row is not None
    assert (row.last_pnl_paise, the_position(stage).last_pnl_paise) == (-3_00, -3_00)


def test_a_restart_knows_everything_and_asks_for_fills_booked_meanwhile() -> None:
    store = a_store()
    stage, entry = a_stage_with_position(2, store)
    sale = an_exit_order(quantity=2 * LOT)
    stage.tell(exit_approved(sale))
    before = the_position(stage)

    again = a_stage(store)
    (question,) = again.told("order_update_handler", ReportOrders)
    again.tell(OrderReports(at=later(20), reports=(a_report(OrderFilled, sale, 2 * LOT, 90_00),)))

    assert question.order_ids == (entry.id, sale.id)
    (closed,) = again.said(PositionClosed)
    assert (closed.position.id, closed.position.exit_tag) == (before.id, "stop_loss_30pct")


def test_a_restart_answers_nobody_before_it_is_up_to_date() -> None:
    store = a_store()
    a_stage_with_position(store=store)
    again = a_stage(store)

    again.tell(ReportPositions(at=ELEVEN, reply_to="somebody"))
    before = len(again.said(PositionSnapshot))
    again.tell(OrderReports(at=ELEVEN, reports=()))

    assert (before, len(again.said(PositionSnapshot))) == (0, 1)


def test_after_a_restart_the_cancel_of_an_old_entry_goes_on() -> None:
    store = a_store()
    stage = a_stage(store)
    stage.tell(approved())
    stage.pulse(later(60))

    again = a_stage(store)
    again.tell(OrderReports(at=later(61), reports=()))
    again.pulse(later(61))

    assert len(again.told(GATEWAY, CancelOrder)) == 1


def test_ids_go_on_after_a_restart() -> None:
    store = a_store()
    stage, _ = a_stage_with_position(store=store)
    sale = an_exit_order()
    stage.tell(exit_approved(sale), a_report(OrderFilled, sale, LOT))

    again = a_stage(store)
    again.tell(approved(intent_id=2))

    assert [one.position.id for one in again.said(PositionPending)] == [2]


@pytest.mark.parametrize(("name", "asked"), [("order_update_handler", "order_update_handler"), (GATEWAY, GATEWAY)])
def test_when_an_order_actor_fails_it_is_asked_how_live_orders_stand(name: str, asked: str) -> None:
    stage, _ = a_stage_with_position()
    sale = an_exit_order()
    stage.tell(exit_approved(sale))
    mark = stage.mark

    stage.tell(restarted(name, later(20)))

    assert [one.order_ids for one in stage.told(asked, ReportOrders, mark)] == [(sale.id,)]


def test_closing_writes_the_time_of_the_exit_for_the_pause_before_the_next_entry() -> None:
    cache = a_cache()
    stage = a_stage(cache=cache)
    stage.tell(approved())
    (entry,) = sent(stage)
    sale = an_exit_order()

    stage.tell(a_report(OrderFilled, entry, LOT), exit_approved(sale), a_report(OrderFilled, sale, LOT, at=later(30)))
    cache.flush()

    assert cache.fetch_text(f"reentry:{ACCOUNT}:{an_instrument().symbol}") == later(30).isoformat()


_STEP = st.tuples(st.sampled_from(["entry", "sale"]), st.integers(0, 4), st.booleans())


@given(steps=st.lists(_STEP, max_size=12))
def test_no_order_of_reports_makes_a_position_negative_or_lowers_its_stop(steps: list[tuple[str, int, bool]]) -> None:
    stage = a_stage()
    stage.tell(approved(4))
    (entry,) = sent(stage)
    sale = an_exit_order(quantity=4 * LOT)
    filled = {OrderSide.BUY: 0, OrderSide.SELL: 0}
    stop = 0

    for which, lots, is_final in steps:
        order = entry if which == "entry" else sale
        # A broker sells what has been bought; reports may be old, repeated, or say that it is over.
        told = lots * LOT if order is entry else min(lots * LOT, filled[OrderSide.BUY])
        filled[order.side] = max(filled[order.side], told)
        kind = OrderCancelled if is_final else OrderPartiallyFilled
        stage.tell(a_report(kind, order, told, is_final=is_final))
        for position in snapshot(stage).open_positions:
            assert position.quantity >= 0
            assert position.trail is None or position.trail.stop_paise >= stop
            stop = position.trail.stop_paise if position.trail is not None else stop

    for position in snapshot(stage).closed_today:
        assert position.quantity == 0
        assert position.net_paise == position.sold_value_paise - position.bought_value_paise - position.charges_paise
        assert position.last_pnl_paise == position.net_paise
