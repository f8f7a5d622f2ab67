"""EntryGuard writes every gate down, asks for a fresh price, and approves one position at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from scalper.actors.entry_guard import EntryGuard
from scalper.actors.messages.feed import GetQuotes, GetTicks, QuotesFetched, TicksFound
from scalper.actors.messages.orders import OrderAccepted
from scalper.actors.messages.positions import (
    PositionCancelled,
    PositionClosed,
    PositionOpened,
    PositionPending,
    PositionProfitChanged,
    ReportPositions,
    WalletChanged,
)
from scalper.actors.messages.risk import DayTallyChanged, TradingStateChanged
from scalper.actors.messages.signals import DeliveryCreated, Pick, TradeIntentApproved, TradeIntentRejected
from scalper.domain.capital import CapitalOverrides, SizingRules
from scalper.domain.day_book import IndexTally
from scalper.domain.entry import CHEAP_GATES, PRICED_GATES, EntryLimits
from scalper.domain.guard_rules import GuardRules
from scalper.domain.instruments import OptionType
from scalper.domain.orders import OrderPurpose
from scalper.domain.positions import Position, PositionSide
from scalper.domain.quotes import Tick
from scalper.domain.signals import IntentStatus
from scalper.domain.trading_state import TradingState
from scalper.message import Message
from scalper.store.database import Store
from scalper.store.intents import IntentRepository
from tests.actors.harness import Stage, a_snapshot, a_store, restarted
from tests.builders import (
    ACCOUNT,
    DAY,
    ELEVEN,
    INDEX_KEY,
    LOT,
    SESSION,
    a_closed_position,
    a_delivery,
    a_pending_position,
    a_position,
    a_signal,
    a_tick,
    a_wallet,
    an_index_tick,
    an_instrument,
    an_intent,
    an_option,
    clock,
    later,
)

RULES = GuardRules(
    day=DAY,
    session=SESSION,
    limits={"NIFTY": EntryLimits(index_trades_max=3, global_loss_paise_max=4_000_00)},
    index_allocation_bps={"NIFTY": None},
    index_keys={"NIFTY": INDEX_KEY},
    capital=CapitalOverrides(),
    sizing=SizingRules(),
    stop_loss_bps=3000,
    ltp_wait_ms=300,
    is_watching=False,
)


def a_stage(*positions: Position, store: Store | None = None, is_ready: bool = True, **rules: Any) -> Stage:
    """EntryGuard after its recovery; when ready, the risk side has said that it trades."""
    kept, told = store or a_store(), msgspec.structs.replace(RULES, **rules)

    def make(link: Any) -> EntryGuard:
        return EntryGuard(link, store=kept, rules=told, accounts=(ACCOUNT,))

    stage = Stage({"entry_guard": (EntryGuard, make)})
    stage.tell(a_snapshot(*positions))
    if is_ready:
        stage.tell(state(), tally())
    return stage


def state(*causes: str) -> TradingStateChanged:
    chosen = TradingState.REDUCING if causes else TradingState.ACTIVE
    return TradingStateChanged(at=ELEVEN, account_id=ACCOUNT, state=chosen, causes=causes)


def tally(trades: int = 0, loss_paise: int = 0) -> DayTallyChanged:
    tallies = (IndexTally("NIFTY", trades, loss_paise),) if trades else ()
    return DayTallyChanged(at=ELEVEN, account_id=ACCOUNT, starting_balance_paise=100_000_00, tallies=tallies)


def delivered(number: int = 1, at: datetime = ELEVEN, **changes: Any) -> DeliveryCreated:
    """A bullish signal and the money call picked at 100 rupees."""
    created = DeliveryCreated(
        at=at,
        delivery=a_delivery(number, created_at=at),
        signal=a_signal(number),
        picks=(Pick(instrument=an_instrument(), ltp_paise=100_00),),
        reason="",
    )
    return msgspec.structs.replace(created, **changes)


def answer(stage: Stage, *, at: datetime = ELEVEN, index: Tick | None, option: Tick | None) -> None:
    """TickCache's answer to the last question."""
    question = stage.said(GetTicks)[-1]
    stage.tell(TicksFound(at=at, request=question.request, ticks=(index, option)))


def answer_fresh(stage: Stage, at: datetime = ELEVEN, ltp_paise: int = 100_00) -> None:
    answer(stage, at=at, index=an_index_tick(at=at), option=a_tick(ltp_paise, at))


def reasons(stage: Stage) -> list[str]:
    return [rejected.intent.reason for rejected in stage.said(TradeIntentRejected)]


def test_a_signal_that_passes_every_gate_is_a_row_and_then_an_approval() -> None:
    store = a_store()
    stage = a_stage(store=store)

    stage.tell(delivered())
    answer_fresh(stage)

    (approved,) = stage.said(TradeIntentApproved)
    assert IntentRepository(store).get(1) == approved.intent
    assert (approved.intent.status, approved.intent.tag) == (IntentStatus.APPROVED, "entry_NIFTY_CE_25750")
    assert approved.intent.quantity == LOT
    assert approved.quote == a_tick(100_00)
    assert all(gate.is_passed and gate.measured and gate.limit for gate in approved.intent.gates)
    assert len(approved.intent.gates) == len(CHEAP_GATES) + len(PRICED_GATES)


_OTHER_SIDE = a_position(7, side=PositionSide.LONG_PE)
_UNTRADABLE = Pick(instrument=an_instrument(segment="IDX_I"), ltp_paise=100_00)


@pytest.mark.parametrize(
    ("before", "created", "reason"),
    [
        ((), delivered(at=clock("09:19:59")), "before_entry_window"),
        ((), delivered(at=clock("15:00:00")), "no_new_entries_after"),
        ((), delivered(at=clock("15:30:00")), "market_closed"),
        ((state("circuit"),), delivered(), "circuit_breaker"),
        ((state("feed"),), delivered(), "feed_stale"),
        ((state("candle_book"),), delivered(), "reducing"),
        ((tally(3),), delivered(), "trade_frequency_limit_exceeded"),
        ((tally(1, 4_000_00),), delivered(), "global_daily_loss_limit_exceeded"),
        ((), delivered(picks=(), reason="no weekly contract"), "no_strike"),
        ((PositionPending(at=ELEVEN, position=a_pending_position(7)),), delivered(), "exposure_limit"),
        ((PositionOpened(at=ELEVEN, position=a_position(7)),), delivered(), "exposure_limit"),
        ((PositionClosed(at=ELEVEN, position=a_closed_position()),), delivered(at=later(179.9)), "cooldown"),
        ((), delivered(picks=(_UNTRADABLE,)), "segment_not_tradable"),
        ((), delivered(is_stale=True), "stale"),
    ],
)
def test_a_cheap_gate_refuses_at_once_with_its_reason(
    before: tuple[Message, ...], created: DeliveryCreated, reason: str
) -> None:
    store = a_store()
    stage = a_stage(store=store)

    stage.tell(*before, created)

    (rejected,) = stage.said(TradeIntentRejected)
    assert (rejected.intent.reason, rejected.intent.quantity) == (reason, 0)
    assert [gate.is_passed for gate in rejected.intent.gates] == [True] * (len(rejected.intent.gates) - 1) + [False]
    assert IntentRepository(store).get(1) == rejected.intent
    assert stage.said(GetTicks) == []


@pytest.mark.parametrize(
    ("before", "created"),
    [
        ((), delivered(at=clock("09:20:00"))),
        ((), delivered(at=clock("14:59:59"))),
        ((tally(2, 3_999_99),), delivered()),
        ((PositionOpened(at=ELEVEN, position=_OTHER_SIDE),), delivered()),
        ((PositionClosed(at=ELEVEN, position=a_closed_position()),), delivered(at=later(180))),
        (
            (
                PositionPending(at=ELEVEN, position=a_pending_position(7)),
                PositionCancelled(at=ELEVEN, position=a_pending_position(7)),
            ),
            delivered(),
        ),
    ],
)
def test_beside_every_limit_the_price_is_asked_for(before: tuple[Message, ...], created: DeliveryCreated) -> None:
    stage = a_stage()

    stage.tell(*before, created)

    assert [question.keys for question in stage.said(GetTicks)] == [(INDEX_KEY, an_instrument().key)]
    assert reasons(stage) == []


def test_nobody_buys_before_the_risk_side_has_spoken() -> None:
    stage = a_stage(is_ready=False)

    stage.tell(delivered())

    assert reasons(stage) == ["reducing"]


def test_without_a_starting_balance_limits_cannot_be_read() -> None:
    stage = a_stage(is_ready=False)

    stage.tell(state(), delivered())

    assert reasons(stage) == ["limits_unreadable"]


@pytest.mark.parametrize(
    ("index", "option", "reason"),
    [
        (an_index_tick(), a_tick(105_05), "price_moved"),
        (an_index_tick(), a_tick(94_95), "price_moved"),
        (an_index_tick(), a_tick(ask_paise=0), "invalid_ltp"),
        (an_index_tick(), a_tick(104_00, ask_paise=500_00), "invalid_quantity"),
    ],
)
def test_a_priced_gate_refuses_with_its_reason(index: Tick, option: Tick, reason: str) -> None:
    stage = a_stage()

    stage.tell(delivered())
    answer(stage, index=index, option=option)

    assert reasons(stage) == [reason]


def test_a_price_that_moved_by_exactly_the_limit_is_bought() -> None:
    stage = a_stage()

    stage.tell(delivered())
    answer_fresh(stage, ltp_paise=105_00)

    assert len(stage.said(TradeIntentApproved)) == 1


def test_for_a_fresh_tick_it_waits_three_hundred_milliseconds_and_then_asks_for_a_quote() -> None:
    stage = a_stage()
    old = a_tick(at=later(-6))

    stage.tell(delivered())
    answer(stage, index=an_index_tick(), option=old)
    stage.pulse(later(0.25))
    answer(stage, at=later(0.25), index=an_index_tick(), option=old)
    before = len(stage.said(GetQuotes))
    stage.pulse(later(0.5))
    answer(stage, at=later(0.5), index=an_index_tick(), option=old)

    (question,) = stage.told("data_gateway", GetQuotes)
    assert (before, question.keys) == (0, (INDEX_KEY, an_instrument().key))


def test_a_tick_that_comes_while_it_waits_is_taken() -> None:
    stage = a_stage()

    stage.tell(delivered())
    answer(stage, index=an_index_tick(), option=None)
    stage.pulse(later(0.25))
    answer_fresh(stage, later(0.25))

    assert (len(stage.said(TradeIntentApproved)), stage.said(GetQuotes)) == (1, [])


def asked_for_a_quote() -> Stage:
    stage = a_stage()
    stage.tell(delivered())
    stage.pulse(later(0.5))
    answer(stage, at=later(0.5), index=None, option=None)
    return stage


def test_a_quote_stands_in_for_a_tick() -> None:
    stage = asked_for_a_quote()
    (question,) = stage.said(GetQuotes)

    stage.tell(
        QuotesFetched(at=later(1), request=question.request, ticks=(an_index_tick(at=later(1)), a_tick(at=later(1))))
    )

    assert len(stage.said(TradeIntentApproved)) == 1


@pytest.mark.parametrize(
    ("index", "option", "reason"),
    [(None, a_tick(at=later(1)), "stale_index_ltp"), (an_index_tick(at=later(1)), None, "invalid_ltp")],
)
def test_without_a_quote_either_the_entry_is_refused(index: Tick | None, option: Tick | None, reason: str) -> None:
    stage = asked_for_a_quote()
    (question,) = stage.said(GetQuotes)

    stage.tell(QuotesFetched(at=later(1), request=question.request, ticks=(index, option)))

    assert reasons(stage) == [reason]


def test_a_quote_that_never_comes_is_a_refusal_after_three_seconds() -> None:
    stage = asked_for_a_quote()

    stage.pulse(later(3.25))
    before = reasons(stage)
    stage.pulse(later(3.5))

    assert (before, reasons(stage)) == ([], ["stale_index_ltp"])


def test_an_answer_to_an_attempt_that_is_over_prices_no_other_contract() -> None:
    other = an_option(25_800_00)
    stage = asked_for_a_quote()
    (late,) = stage.said(GetQuotes)
    stage.pulse(later(3.5))
    stage.tell(delivered(2, later(4), picks=(Pick(instrument=other, ltp_paise=99_00),)))

    stage.tell(
        QuotesFetched(at=later(4.1), request=late.request, ticks=(an_index_tick(at=later(4.1)), a_tick(at=later(4.1))))
    )

    assert stage.said(TradeIntentApproved) == []
    assert reasons(stage) == ["stale_index_ltp"]


def test_the_cheap_gates_are_asked_again_before_it_approves() -> None:
    stage = asked_for_a_quote()
    (question,) = stage.said(GetQuotes)

    stage.tell(state("circuit"))
    stage.tell(
        QuotesFetched(
            at=later(2.6), request=question.request, ticks=(an_index_tick(at=later(2.6)), a_tick(at=later(2.6)))
        )
    )

    assert reasons(stage) == ["circuit_breaker"]


def test_one_delivery_of_an_index_is_decided_at_a_time() -> None:
    stage = a_stage()

    stage.tell(delivered(1), delivered(2))
    before = len(stage.said(GetTicks))
    answer(stage, index=an_index_tick(), option=a_tick(ask_paise=0))

    assert (before, len(stage.said(GetTicks)), reasons(stage)) == (1, 2, ["invalid_ltp"])


def test_a_second_delivery_sees_the_position_of_the_first_even_when_both_have_their_prices() -> None:
    stage = a_stage()
    stage.tell(delivered(1), delivered(2))
    answer_fresh(stage)
    answer_fresh(stage)
    before = (len(stage.said(TradeIntentApproved)), reasons(stage))

    stage.tell(PositionPending(at=later(0.1), position=a_pending_position(1)))
    stage.pulse(later(0.25))
    answer_fresh(stage, later(0.25))

    assert before == (1, [])
    assert (len(stage.said(TradeIntentApproved)), reasons(stage)) == (1, ["exposure_limit"])


def test_a_delivery_that_is_told_twice_is_decided_once() -> None:
    store = a_store()
    stage = a_stage(store=store)
    stage.tell(delivered(), delivered())
    answer_fresh(stage)

    again = a_stage(store=store)
    again.tell(delivered())

    assert len(stage.said(TradeIntentApproved)) == 1
    assert (again.said(GetTicks), reasons(again)) == ([], [])


def test_a_watching_guard_runs_every_gate_and_places_nothing() -> None:
    stage = a_stage(is_watching=True)

    stage.tell(delivered())
    answer_fresh(stage)

    (rejected,) = stage.said(TradeIntentRejected)
    assert (rejected.intent.reason, [gate.is_passed for gate in rejected.intent.gates].count(False)) == (
        "watch_mode",
        1,
    )
    assert stage.said(TradeIntentApproved) == []


def test_the_wallet_decides_how_much_is_bought() -> None:
    stage = a_stage()

    stage.tell(WalletChanged(at=ELEVEN, wallet=a_wallet(20_000_00)), delivered())
    answer_fresh(stage)

    assert reasons(stage) == ["invalid_quantity"]


def test_a_second_position_joins_a_winner_of_five_minutes() -> None:
    limits = {"NIFTY": EntryLimits(same_side_max=2)}
    stage = a_stage(a_position(7), limits=limits)

    stage.tell(delivered(1, later(10)))
    stage.tell(PositionProfitChanged(at=later(20), position_id=7, since=later(20)))
    stage.tell(delivered(2, later(319.9)), delivered(3, later(320)))

    assert reasons(stage) == ["pyramiding_first_not_profitable", "pyramiding_too_early"]
    assert len(stage.said(GetTicks)) == 1


def test_an_intent_follows_its_order_and_its_position() -> None:
    store = a_store()
    stage = a_stage(store=store)
    stage.tell(delivered())
    answer_fresh(stage)
    statuses = []

    accepted = OrderAccepted(
        at=later(1), order_id="x", position_id=1, intent_id=1, purpose=OrderPurpose.ENTRY, broker_order_id="B"
    )
    for message in (accepted, PositionOpened(at=later(2), position=a_position())):
        stage.tell(message)
        intent = IntentRepository(store).get(1)
        assert intent is not None
        statuses.append(intent.status)

    assert statuses == [IntentStatus.PLACED, IntentStatus.FILLED]


def test_an_intent_whose_position_is_cancelled_has_failed_with_its_reason() -> None:
    store = a_store()
    stage = a_stage(store=store)
    stage.tell(delivered())
    answer_fresh(stage)

    stage.tell(PositionCancelled(at=later(2), position=a_pending_position(cancel_reason="no margin")))

    intent = IntentRepository(store).get(1)
    assert intent is not None
    assert (intent.status, intent.reason) == (IntentStatus.FAILED, "no margin")


def test_after_a_restart_an_approved_intent_without_a_position_has_failed_as_stale() -> None:
    store = a_store()
    with store.unit() as unit:
        for number in (1, 2, 3):
            IntentRepository(store).insert(an_intent(number))
        unit.commit()

    a_stage(a_pending_position(2), a_position(3), store=store)

    found = [IntentRepository(store).get(number) for number in (1, 2, 3)]
    assert [(one.status, one.reason) for one in found if one is not None] == [
        (IntentStatus.FAILED, "stale"),
        (IntentStatus.APPROVED, ""),
        (IntentStatus.FILLED, ""),
    ]


def test_when_position_tracker_fails_an_approval_it_may_have_lost_is_settled_and_the_next_one_goes_on() -> None:
    store = a_store()
    stage = a_stage(store=store)
    stage.tell(delivered(1), delivered(2))
    answer_fresh(stage)
    mark = stage.mark

    stage.tell(restarted("position_tracker", later(0.1)))
    asked = len(stage.told("position_tracker", ReportPositions, mark))
    stage.tell(a_snapshot(at=later(0.1)))
    stage.pulse(later(0.25))
    answer_fresh(stage, later(0.25))

    lost = IntentRepository(store).get(1)
    assert asked == 1
    assert lost is not None
    assert (lost.status, lost.reason) == (IntentStatus.FAILED, "stale")
    assert [approved.intent.id for approved in stage.said(TradeIntentApproved)] == [1, 2]


def test_cooldown_by_side_holds_for_every_strike() -> None:
    limits = {"NIFTY": EntryLimits(is_cooldown_by_side=True)}
    other = Pick(instrument=an_option(25_800_00), ltp_paise=99_00)
    put = Pick(instrument=an_option(25_800_00, OptionType.PE), ltp_paise=99_00)
    stage = a_stage(a_closed_position(), limits=limits)

    stage.tell(delivered(1, later(60), picks=(other,)))
    stage.tell(delivered(2, later(60), picks=(put,), signal=a_signal(2, direction="bearish")))

    assert reasons(stage) == ["cooldown"]
    assert len(stage.said(GetTicks)) == 1
