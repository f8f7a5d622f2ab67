"""SignalManager makes rows of signals and exits, and tells of them after the commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from scalper.actors.messages.exits import (
    ExitCandidate,
    ExitCandidateDropped,
    ExitFailed,
    ExitFilled,
    ExitIntentApproved,
    ExitIntentRejected,
    ExitPlaced,
    ExitSignalPublished,
    LiveExits,
    ReportLiveExits,
)
from scalper.actors.messages.signals import DeliveryCreated, SignalPublished, TradeIntentRejected
from scalper.actors.signal_manager import SignalManager
from scalper.domain.direction import Direction
from scalper.domain.orders import BrokerStatus, Order, OrderPurpose, OrderSide, OrderType, SendState
from scalper.domain.reasons import ExitReason
from scalper.domain.signals import DeliveryStatus, IntentStatus, SignalStatus
from scalper.store.database import Store
from scalper.store.orders import OrderRepository
from scalper.store.signals import SignalRepository
from tests.actors.harness import Stage, a_store, restarted
from tests.builders import (
    BOOKING,
    DAY,
    ELEVEN,
    LOT,
    SESSION,
    a_candidate,
    a_direction,
    an_intent,
    an_order,
    clock,
    later,
    picked,
)


def a_bought_store(*position_ids: int) -> Store:
    """A store in which each of these positions has bought forty lots."""
    store = a_store()
    with store.unit() as unit:
        for position_id in position_ids or (1, 2):
            entry = an_order(
                f"entry-{position_id}",
                position_id=position_id,
                quantity=40 * LOT,
                filled_quantity=40 * LOT,
                send_state=SendState.ACCEPTED,
                broker_status=BrokerStatus.TRADED,
            )
            OrderRepository(store).insert(entry)
        unit.commit()
    return store


def exit_rows(store: Store) -> tuple[Order, ...]:
    return tuple(order for order in OrderRepository(store).of_position(1) if order.purpose is OrderPurpose.EXIT)


def a_stage(store: Store | None = None, accounts: tuple[str, ...] = ("paper",)) -> Stage:
    kept = store or a_bought_store()

    def make(link: Any) -> SignalManager:
        return SignalManager(link, store=kept, day=DAY, session=SESSION, accounts=accounts, rules=BOOKING, rearm_s=5)

    return Stage({"signal_manager": (SignalManager, make)})


def failed(at: datetime, intent_id: int = 1) -> ExitFailed:
    return ExitFailed(at=at, intent_id=intent_id, position_id=1, quantity_left=LOT, text="no bid")


def status_of(store: Store, intent_id: int = 1) -> IntentStatus:
    intent = SignalRepository(store).exit_intent(intent_id)
    assert intent is not None
    return intent.status


def test_a_signal_is_a_row_with_one_delivery_for_each_account() -> None:
    store = a_store()
    stage = a_stage(store, accounts=("first", "second"))

    stage.tell(picked())

    (signal,) = SignalRepository(store).signals_of_day(DAY)
    assert signal.status is SignalStatus.PUBLISHED
    assert (signal.effective_floor_paise, signal.effective_ceiling_paise) == (25_700_00, 25_760_00)
    assert [published.signal for published in stage.said(SignalPublished)] == [signal]
    assert [created.delivery.account_id for created in stage.said(DeliveryCreated)] == ["first", "second"]
    assert SignalRepository(store).deliveries_of(signal.id) == tuple(
        created.delivery for created in stage.said(DeliveryCreated)
    )


def test_the_same_candle_state_is_one_signal_however_often_it_comes() -> None:
    store = a_store()
    stage = a_stage(store)

    stage.tell(picked(), picked(), picked(later(5), found=a_direction()))

    assert len(SignalRepository(store).signals_of_day(DAY)) == 1
    assert (len(stage.said(SignalPublished)), len(stage.said(DeliveryCreated))) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [{"direction": Direction.BEARISH}, {"close_paise": 25_761_00}, {"candle_at": ELEVEN}, {"index_key": "SENSEX"}],
)
def test_another_candle_state_is_another_signal(other: dict[str, Any]) -> None:
    stage = a_stage()

    stage.tell(picked(), picked(found=a_direction(**other)))

    assert len(stage.said(SignalPublished)) == 2


def test_a_signal_without_a_contract_is_delivered_with_the_reason() -> None:
    stage = a_stage()

    stage.tell(picked(picks=(), reason="no weekly contract"))

    (created,) = stage.said(DeliveryCreated)
    assert (created.picks, created.reason) == ((), "no weekly contract")


def test_a_decided_delivery_is_consumed() -> None:
    store = a_store()
    stage = a_stage(store)
    stage.tell(picked())

    stage.tell(TradeIntentRejected(at=later(1), intent=an_intent(status=IntentStatus.REJECTED)))

    (delivery,) = SignalRepository(store).deliveries_of(1)
    assert (delivery.status, delivery.consumed_at) == (DeliveryStatus.CONSUMED, later(1))


def test_after_a_restart_a_delivery_nobody_decided_on_is_told_once_more_as_stale() -> None:
    store = a_store()
    a_stage(store).tell(picked())

    again = a_stage(store)
    third = a_stage(store)

    assert [(created.delivery.id, created.is_stale, created.picks) for created in again.said(DeliveryCreated)] == [
        (1, True, ())
    ]
    assert third.said(DeliveryCreated) == []


def test_claim_intent_and_order_are_one_commit_before_anybody_is_told() -> None:
    store = a_bought_store()
    stage = a_stage(store)

    stage.tell(a_candidate())

    (approved,) = stage.said(ExitIntentApproved)
    (signal,) = stage.said(ExitSignalPublished)
    assert SignalRepository(store).exit_signals_of_day(DAY) == (signal.signal,)
    assert SignalRepository(store).exit_intent(1) == approved.intent
    assert exit_rows(store) == approved.orders


def test_an_exit_order_sells_what_was_claimed_at_the_protected_price() -> None:
    stage = a_stage()

    stage.tell(a_candidate())

    ((order,),) = [approved.orders for approved in stage.said(ExitIntentApproved)]
    assert (order.side, order.purpose, order.quantity) == (OrderSide.SELL, OrderPurpose.EXIT, LOT)
    assert (order.order_type, order.limit_price_paise) == (OrderType.LIMIT, 69_80)
    assert order.correlation_id == "stop_loss_30pct-1"


def test_without_a_price_the_exit_goes_at_the_market() -> None:
    stage = a_stage()

    stage.tell(a_candidate(reason=ExitReason.TIME_EXIT, tag="time_exit_1520", bid_paise=0, ltp_paise=0))

    ((order,),) = [approved.orders for approved in stage.said(ExitIntentApproved)]
    assert (order.order_type, order.limit_price_paise) == (OrderType.MARKET, 0)


def test_an_exit_above_the_freeze_goes_in_slices_that_add_up() -> None:
    stage = a_stage()

    stage.tell(a_candidate(quantity=40 * LOT))

    (approved,) = stage.said(ExitIntentApproved)
    assert [order.quantity for order in approved.orders] == [27 * LOT, 13 * LOT]


@pytest.mark.parametrize("reason", [ExitReason.STOP_LOSS, ExitReason.TIME_EXIT])
def test_a_position_has_one_live_exit_whatever_the_reason(reason: ExitReason) -> None:
    store = a_bought_store()
    stage = a_stage(store)
    stage.tell(a_candidate())

    stage.tell(a_candidate(later(1), reason=reason))
    stage.tell(ExitPlaced(at=later(2), intent_id=1, position_id=1))
    stage.tell(a_candidate(later(60), reason=reason))

    dropped = stage.said(ExitCandidateDropped)
    assert [(one.reason, one.retry_at) for one in dropped] == [(reason, None)] * 2
    assert len(SignalRepository(store).live_exit_intents()) == 1


def test_positions_do_not_hinder_each_other() -> None:
    stage = a_stage()

    stage.tell(a_candidate(), a_candidate(position_id=2))

    assert [one.intent.position_id for one in stage.said(ExitIntentApproved)] == [1, 2]


@pytest.mark.parametrize(
    ("reason", "wait_s"),
    [
        (ExitReason.STOP_LOSS, 1),
        (ExitReason.SESSION_END, 1),
        (ExitReason.TRAILING_STOP, 5),
        (ExitReason.TAKE_PROFIT, 5),
    ],
)
def test_a_failed_exit_may_be_claimed_again_at_the_end_of_its_cool_down_and_not_before(
    reason: ExitReason, wait_s: float
) -> None:
    store = a_bought_store()
    stage = a_stage(store)
    stage.tell(a_candidate(reason=reason), failed(later(10)))

    again = a_stage(store)
    again.tell(a_candidate(later(10 + wait_s - 0.001), reason=reason))
    again.tell(a_candidate(later(10 + wait_s), reason=reason))

    (dropped,), (approved,) = again.said(ExitCandidateDropped), again.said(ExitIntentApproved)
    assert dropped.retry_at == later(10 + wait_s)
    assert (approved.intent.episode, approved.intent.id) == (2, 2)


def test_another_reason_does_not_wait_for_the_first_ones_cool_down() -> None:
    stage = a_stage()
    stage.tell(a_candidate(reason=ExitReason.TRAILING_STOP), failed(later(10)))

    stage.tell(a_candidate(later(10.1), reason=ExitReason.STOP_LOSS))

    assert [one.intent.episode for one in stage.said(ExitIntentApproved)] == [1, 1]


@pytest.mark.parametrize("at", [clock("09:14:59"), clock("15:30:00"), clock("18:00:00")])
def test_outside_market_hours_an_exit_is_rejected_with_the_moment_to_ask_again(at: datetime) -> None:
    store = a_bought_store()
    stage = a_stage(store)

    stage.tell(a_candidate(at))

    (rejected,) = stage.said(ExitIntentRejected)
    assert (rejected.intent.status, rejected.intent.reject_reason) == (IntentStatus.REJECTED, "the market is closed")
    assert rejected.retry_at == later(1, at)
    assert (stage.said(ExitIntentApproved), exit_rows(store)) == ([], ())


def test_entries_and_exits_share_one_series_of_numbers_over_a_restart() -> None:
    store = a_bought_store()
    a_stage(store).tell(picked(), a_candidate())

    again = a_stage(store)
    again.tell(picked(found=a_direction(candle_at=ELEVEN)), a_candidate(position_id=2))

    (delivery,) = [created.delivery for created in again.said(DeliveryCreated) if not created.is_stale]
    (approved,) = again.said(ExitIntentApproved)
    assert (delivery.intent_number, approved.intent.intent_number) == (3, 4)


@pytest.mark.parametrize("is_placed_first", [True, False])
def test_an_exit_moves_on_with_its_orders(is_placed_first: bool) -> None:
    store = a_bought_store()
    stage = a_stage(store)
    stage.tell(a_candidate())

    if is_placed_first:
        stage.tell(ExitPlaced(at=later(1), intent_id=1, position_id=1))
    stage.tell(ExitFilled(at=later(2), intent_id=1, position_id=1))

    assert status_of(store) is IntentStatus.FILLED


def test_an_exit_that_has_ended_moves_no_more() -> None:
    store = a_bought_store()
    stage = a_stage(store)
    stage.tell(a_candidate(), ExitFilled(at=later(2), intent_id=1, position_id=1))

    stage.tell(ExitPlaced(at=later(3), intent_id=1, position_id=1), failed(later(4)))

    assert status_of(store) is IntentStatus.FILLED


def test_who_asks_is_told_the_live_exits_with_their_orders_as_they_were_born() -> None:
    store = a_bought_store()
    stage = a_stage(store)
    stage.tell(a_candidate(), a_candidate(position_id=2), ExitFilled(at=later(1), intent_id=2, position_id=2))
    ((born,), _) = [approved.orders for approved in stage.said(ExitIntentApproved)]

    again = a_stage(store)
    again.tell(ReportLiveExits(at=later(2), reply_to="exit_engine"))

    (answer,) = again.told("exit_engine", LiveExits)
    assert [intent.id for intent in answer.intents] == [1]
    assert answer.orders == (born,)


def test_when_position_tracker_fails_it_is_told_again_why_positions_are_left() -> None:
    stage = a_stage()
    stage.tell(a_candidate())
    mark = stage.mark

    stage.tell(restarted("position_tracker"))

    assert [one.intent.id for one in stage.told("position_tracker", ExitIntentApproved, mark)] == [1]


def test_what_a_claim_was_decided_on_is_kept_with_it() -> None:
    store = a_bought_store()
    stage = a_stage(store)

    stage.tell(a_candidate())

    (signal,) = SignalRepository(store).exit_signals_of_day(DAY)
    evidence: dict[str, Any] = msgspec.json.decode(signal.evidence)
    assert (evidence["trigger_paise"], evidence["stop_paise"], evidence["bid_paise"]) == (70_00, 70_00, 69_90)


def test_a_claim_whose_letter_was_lost_leaves_no_trace() -> None:
    store = a_bought_store()
    stage = a_stage(store)

    stage.crash("signal_manager", a_candidate())
    stage.tell(a_candidate(later(1)))

    assert [one.intent.episode for one in stage.said(ExitIntentApproved)] == [1]
    assert len(stage.said(ExitCandidate)) == 0


@pytest.mark.parametrize(("lots", "is_approved"), [(40, True), (41, False)])
def test_more_than_is_held_is_never_sold(lots: int, is_approved: bool) -> None:
    stage = a_stage()

    stage.tell(a_candidate(quantity=lots * LOT))

    assert [len(stage.said(ExitIntentApproved)), len(stage.said(ExitCandidateDropped))] == [
        is_approved,
        not is_approved,
    ]


def test_a_claim_that_is_behind_the_last_sale_is_put_off() -> None:
    store = a_bought_store()
    stage = a_stage(store)
    stage.tell(a_candidate(quantity=40 * LOT))
    ((sale, _),) = [approved.orders for approved in stage.said(ExitIntentApproved)]
    with store.unit() as unit:
        store.write_sql("UPDATE orders SET filled_quantity = quantity WHERE id = ?", (sale.id,))
        unit.commit()

    stage.tell(failed(later(15)), a_candidate(later(20), quantity=40 * LOT))
    stage.tell(a_candidate(later(21), quantity=13 * LOT))

    assert [one.retry_at for one in stage.said(ExitCandidateDropped)] == [later(21)]
    assert [one.intent.quantity for one in stage.said(ExitIntentApproved)] == [40 * LOT, 13 * LOT]
