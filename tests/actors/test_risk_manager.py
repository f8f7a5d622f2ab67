"""RiskManager decides at every mark and on its loop, claims once, and never forgets a loss."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
import pytest

from scalper.actors.messages.exits import (
    ExitCandidate,
    ExitCandidateDropped,
    ExitFailed,
    ExitFilled,
    ExitIntentRejected,
)
from scalper.actors.messages.feed import FeedHealthChanged, GetQuotes
from scalper.actors.messages.orders import OrderCancelled, OrderFilled, OrderPartiallyFilled
from scalper.actors.messages.positions import (
    PositionChanged,
    PositionClosed,
    PositionOpened,
    PositionTrailed,
    ReportPositions,
    WalletChanged,
)
from scalper.actors.messages.risk import Alert, CircuitTripped, DayTallyChanged, TradingStateChanged
from scalper.actors.risk_manager import RiskManager
from scalper.domain.day_book import IndexTally
from scalper.domain.guard_rules import RiskRules
from scalper.domain.orders import OrderSide
from scalper.domain.positions import OrderTotals, Position
from scalper.domain.reasons import ExitReason, StopSource
from scalper.domain.rules import ExitRules
from scalper.domain.signals import IntentStatus
from scalper.domain.times import us_from
from scalper.domain.trading_state import TradingState
from scalper.runtime.lifecycle import ChildGaveUp
from scalper.store.database import Store
from scalper.store.risk import RiskRepository
from tests.actors.harness import Stage, a_cache, a_snapshot, a_store, restarted
from tests.builders import (
    ACCOUNT,
    DAY,
    ELEVEN,
    LOT,
    OPTION_KEY,
    SESSION,
    a_closed_position,
    a_position,
    a_report,
    a_trail,
    a_wallet,
    an_exit_intent,
    an_exit_order,
    bought,
    charges,
    clock,
    later,
)


def a_stage(*positions: Position, store: Store | None = None, day: date = DAY, **told: Any) -> Stage:
    """RiskManager after its recovery with these positions."""
    rules = RiskRules(day=day, session=SESSION, exits=ExitRules(), rearm_s=5, active_ms=500, idle_ms=5000)
    kept, cache = store or a_store(), told.pop("cache", None) or a_cache()

    def make(link: Any) -> RiskManager:
        return RiskManager(link, store=kept, cache=cache, charges=charges(), rules=rules, accounts=(ACCOUNT,))

    stage = Stage({"risk_manager": (RiskManager, make)})
    stage.tell(a_snapshot(*positions, **told))
    return stage


def trailed(ltp_paise: int, at: datetime = ELEVEN, *, position_id: int = 1, **changes: Any) -> PositionTrailed:
    message = PositionTrailed(
        at=at,
        position_id=position_id,
        ltp_paise=ltp_paise,
        bid_paise=ltp_paise - 5,
        tick_at_us=us_from(at),
        pnl_paise=(ltp_paise - 100_00) * LOT,
        hwm_pnl_paise=0,
        trail=a_trail(),
    )
    return msgspec.structs.replace(message, **changes)


def failed(at: datetime, intent_id: int = 1, quantity_left: int = LOT) -> ExitFailed:
    return ExitFailed(at=at, intent_id=intent_id, position_id=1, quantity_left=quantity_left, text="cancelled")


def test_a_mark_at_the_stop_is_claimed_by_that_very_letter() -> None:
    stage = a_stage(a_position())

    stage.tell(trailed(70_01), trailed(70_00))

    (claim,) = stage.said(ExitCandidate)
    assert (claim.reason, claim.ltp_paise, claim.quantity, claim.tag) == (
        ExitReason.STOP_LOSS,
        70_00,
        LOT,
        "stop_loss_30pct",
    )
    cause = next(letter for letter, _ in reversed(stage.record.letters) if letter.message is claim).cause
    assert stage.record.letters[cause - 1][0].message == trailed(70_00)


def test_a_position_is_claimed_once_until_the_claim_is_answered() -> None:
    stage = a_stage(a_position())

    stage.tell(trailed(70_00), trailed(69_00, later(0.1)), trailed(68_00, later(0.2)))
    stage.pulse(later(1), later(2), later(30))

    assert len(stage.said(ExitCandidate)) == 1


def test_what_is_sold_is_not_claimed_again_before_position_tracker_has_booked_it() -> None:
    stage = a_stage(a_position())
    sale = an_exit_order()

    stage.tell(
        trailed(70_00),
        a_report(OrderFilled, sale, LOT, 69_90, at=later(0.2)),
        ExitFilled(at=later(0.2), intent_id=1, position_id=1),
        trailed(69_00, later(0.3)),
    )
    stage.pulse(later(1), later(2))

    assert len(stage.said(ExitCandidate)) == 1


def test_after_a_partial_sale_only_the_rest_is_claimed_even_before_it_is_booked() -> None:
    stage = a_stage(a_position(quantity=3 * LOT))
    sale = an_exit_order(quantity=3 * LOT)

    stage.tell(
        trailed(70_00),
        a_report(OrderPartiallyFilled, sale, LOT, 69_90, at=later(0.2)),
        a_report(OrderCancelled, sale, LOT, 69_90, at=later(15), is_final=True),
        failed(later(15), quantity_left=2 * LOT),
        trailed(69_00, later(16)),
    )

    assert [claim.quantity for claim in stage.said(ExitCandidate)] == [3 * LOT, 2 * LOT]


def test_a_booking_that_is_behind_the_reports_takes_nothing_back() -> None:
    stage = a_stage(a_position(quantity=2 * LOT))
    sale = an_exit_order(quantity=2 * LOT)
    half = OrderTotals(sale.id, OrderSide.SELL, 2 * LOT, LOT, LOT * 69_90, 10_00, is_final=False)
    booked_half = a_position(quantity=2 * LOT, orders=(*a_position(quantity=2 * LOT).orders, half))

    stage.tell(
        trailed(70_00),
        a_report(OrderFilled, sale, 2 * LOT, 69_90, at=later(0.2)),
        ExitFilled(at=later(0.2), intent_id=1, position_id=1),
        PositionChanged(at=later(0.3), position=booked_half),
        trailed(69_00, later(0.4)),
    )

    assert len(stage.said(ExitCandidate)) == 1


def test_a_failed_exit_is_claimed_again_for_ever_and_at_the_third_failure_a_person_is_called() -> None:
    stage = a_stage(a_position())
    stage.tell(trailed(70_00))

    for second in range(2, 21, 2):
        stage.tell(failed(later(second)), trailed(69_00, later(second + 0.5)), trailed(69_00, later(second + 1)))

    assert len(stage.said(ExitCandidate)) == 11
    assert [(alert.at, alert.level) for alert in stage.said(Alert)] == [(later(6), "CRITICAL")]


def test_a_rejected_exit_is_claimed_again_when_it_may_be() -> None:
    stage = a_stage(a_position())
    intent = an_exit_intent(status=IntentStatus.REJECTED)

    stage.tell(trailed(70_00), ExitIntentRejected(at=ELEVEN, intent=intent, retry_at=later(5)))
    stage.tell(trailed(69_00, later(4.9)), trailed(69_00, later(5)))

    assert [claim.at for claim in stage.said(ExitCandidate)] == [ELEVEN, later(5)]


@pytest.mark.parametrize(("retry_at", "claims"), [(None, 1), (later(5), 2)])
def test_a_dropped_claim_waits_for_its_end_or_for_its_moment(retry_at: datetime | None, claims: int) -> None:
    stage = a_stage(a_position())
    dropped = ExitCandidateDropped(
        at=ELEVEN, position_id=1, reason=ExitReason.STOP_LOSS, why="in flight", retry_at=retry_at
    )

    stage.tell(trailed(70_00), dropped, trailed(69_00, later(5)))

    assert len(stage.said(ExitCandidate)) == claims


@pytest.mark.parametrize("name", ["signal_manager", "exit_engine"])
def test_a_claim_whose_answer_a_crash_may_have_lost_is_made_again(name: str) -> None:
    stage = a_stage(a_position())
    stage.tell(trailed(70_00))

    stage.tell(restarted(name, later(1)), trailed(69_00, later(1.1)))

    assert len(stage.said(ExitCandidate)) == 2


def test_units_bought_after_an_exit_was_filled_are_claimed_too() -> None:
    stage = a_stage(a_position())
    sale = an_exit_order()
    more = (bought(2 * LOT), a_report(OrderFilled, sale, LOT).totals)

    stage.tell(
        trailed(70_00),
        a_report(OrderFilled, sale, LOT, at=later(0.2)),
        ExitFilled(at=later(0.2), intent_id=1, position_id=1),
        PositionChanged(at=later(0.3), position=a_position(quantity=2 * LOT, orders=more)),
        trailed(69_00, later(0.4)),
    )

    assert [claim.quantity for claim in stage.said(ExitCandidate)] == [LOT, LOT]


@pytest.mark.parametrize(
    ("moment", "tag"),
    [("15:15:00", "session_end_1515"), ("15:20:00", "time_exit_1520"), ("15:29:59", "time_exit_1520")],
)
def test_time_sells_without_a_single_tick(moment: str, tag: str) -> None:
    stage = a_stage(a_position())

    stage.pulse(later(-0.5, clock(moment)) if moment == "15:15:00" else clock("15:14:00"))
    before = [claim.tag for claim in stage.said(ExitCandidate)]
    stage.pulse(clock(moment))

    assert (before, [claim.tag for claim in stage.said(ExitCandidate)]) == ([], [tag])


def test_the_ladder_is_not_missed_between_two_sweeps() -> None:
    stage = a_stage(a_position())
    stage.pulse(later(-0.25, clock("15:15:00")))

    stage.pulse(clock("15:15:00"))

    assert len(stage.said(ExitCandidate)) == 1


def test_a_price_older_than_ten_seconds_decides_nothing_and_is_asked_for() -> None:
    stage = a_stage(a_position())

    stage.tell(trailed(70_00, later(11), tick_at_us=us_from(later(0.5))))
    stage.pulse(later(11.25))

    assert stage.said(ExitCandidate) == []
    assert [one.keys for one in stage.told("data_gateway", GetQuotes)] == [(OPTION_KEY,)]
    assert [alert.level for alert in stage.said(Alert)] == ["WARNING"]


def test_a_price_of_exactly_ten_seconds_still_decides() -> None:
    stage = a_stage(a_position())

    stage.tell(trailed(70_00, later(10), tick_at_us=us_from(ELEVEN)))

    assert len(stage.said(ExitCandidate)) == 1


def test_the_sweep_decides_on_the_last_mark() -> None:
    stage = a_stage(a_position())
    stage.tell(trailed(100_00))

    stage.tell(PositionChanged(at=later(1), position=a_position(target_paise=100_00)))
    stage.pulse(later(1.5))

    assert [claim.reason for claim in stage.said(ExitCandidate)] == [ExitReason.TAKE_PROFIT]


def test_a_closed_position_is_claimed_no_more() -> None:
    stage = a_stage(a_position())

    stage.tell(PositionClosed(at=ELEVEN, position=a_closed_position()), trailed(60_00))
    stage.pulse(clock("15:20:00"))

    assert stage.said(ExitCandidate) == []


@pytest.mark.parametrize("moment", ["15:30:00", "18:00:00"])
def test_when_the_market_is_closed_nothing_is_claimed(moment: str) -> None:
    stage = a_stage(a_position())

    stage.pulse(clock(moment))

    assert stage.said(ExitCandidate) == []


def test_the_first_wallet_of_the_day_is_its_starting_balance_over_restarts() -> None:
    store = a_store()
    first = a_stage(store=store)

    first.tell(WalletChanged(at=ELEVEN, wallet=a_wallet(50_000_00)))
    again = a_stage(store=store, wallets=(a_wallet(40_000_00),))

    for stage in (first, again):
        assert {told.starting_balance_paise for told in stage.said(DayTallyChanged)} == {100_000_00}


def test_a_starting_balance_read_after_trades_is_estimated_without_their_result() -> None:
    store = a_store()

    a_stage(a_closed_position(), store=store, wallets=(a_wallet(99_500_00, realised_today_paise=-500_00),))

    kept = RiskRepository(store).starting_balance(ACCOUNT, DAY)
    assert kept is not None
    assert (kept.starting_balance_paise, kept.is_estimated) == (100_000_00, True)


def test_the_tally_counts_what_was_opened_and_what_was_lost() -> None:
    stage = a_stage(a_closed_position(1), a_closed_position(2, net_paise=300_00))

    stage.tell(PositionOpened(at=ELEVEN, position=a_position(3)))
    stage.tell(PositionClosed(at=later(60), position=a_closed_position(3, net_paise=-100_00)))

    assert [told.tallies for told in stage.said(DayTallyChanged)][-2:] == [
        (IndexTally("NIFTY", 3, 500_00),),
        (IndexTally("NIFTY", 3, 600_00),),
    ]


def test_the_tallies_are_shown_in_redis() -> None:
    cache = a_cache()
    stage = a_stage(a_closed_position(), cache=cache)

    cache.flush()

    assert stage.said(DayTallyChanged)
    keys = [
        f"daily_limits:{ACCOUNT}:{what}:{DAY.isoformat()}:{scope}"
        for what in ("loss", "trades")
        for scope in ("NIFTY", "global")
    ]
    assert [cache.fetch_text(key) for key in keys] == ["500.0", "500.0", "1", "1"]


@pytest.mark.parametrize(("loss_paise", "trips"), [(5_999_99, 0), (6_000_00, 1)])
def test_the_circuit_trips_at_six_percent_of_the_starting_balance(loss_paise: int, trips: int) -> None:
    stage = a_stage(a_position(2))

    stage.tell(PositionOpened(at=ELEVEN, position=a_position(1)))
    stage.tell(PositionClosed(at=later(1), position=a_closed_position(1, net_paise=-loss_paise + 25_00)))

    assert len(stage.said(CircuitTripped)) == trips


def test_a_trip_is_a_row_sells_everything_and_ends_entries() -> None:
    store = a_store()
    stage = a_stage(a_position(2), a_position(3), store=store)

    stage.tell(PositionClosed(at=later(1), position=a_closed_position(1, net_paise=-7_000_00)))

    (tripped,) = stage.said(CircuitTripped)
    assert (tripped.loss_bps, tripped.limit_bps) == (705, 600)
    assert len(RiskRepository(store).trips_of_day(ACCOUNT, DAY)) == 1
    assert {(claim.position_id, claim.tag) for claim in stage.said(ExitCandidate)} == {
        (2, "circuit_breaker_6pct"),
        (3, "circuit_breaker_6pct"),
    }
    assert stage.said(TradingStateChanged)[-1].state is TradingState.HALTED
    assert "circuit" in stage.said(TradingStateChanged)[-1].causes


def test_open_losses_trip_the_circuit_at_the_next_sweep() -> None:
    stage = a_stage(a_position(quantity=10 * LOT))

    stage.tell(trailed(91_50))
    before = len(stage.said(CircuitTripped))
    stage.tell(trailed(90_50, later(0.1)))
    stage.pulse(later(0.5))

    assert (before, len(stage.said(CircuitTripped))) == (0, 1)


def test_a_restart_keeps_the_trip_and_sells_what_is_open() -> None:
    store = a_store()
    a_stage(store=store).tell(PositionClosed(at=later(1), position=a_closed_position(1, net_paise=-7_000_00)))

    again = a_stage(a_closed_position(1, net_paise=-7_000_00), a_position(2), store=store)
    again.pulse(later(2))

    assert again.said(TradingStateChanged)[0].state is TradingState.HALTED
    assert [claim.reason for claim in again.said(ExitCandidate)] == [ExitReason.CIRCUIT_BREAKER]
    assert again.said(CircuitTripped) == []


def test_the_next_day_trades_again() -> None:
    store = a_store()
    a_stage(store=store).tell(PositionClosed(at=later(1), position=a_closed_position(1, net_paise=-7_000_00)))

    tomorrow = a_stage(store=store, day=date(2026, 1, 14))

    assert [told.state for told in tomorrow.said(TradingStateChanged)] == [TradingState.ACTIVE]


def test_a_stale_feed_stops_entries_until_it_is_fresh() -> None:
    stage = a_stage()

    stage.tell(
        FeedHealthChanged(at=ELEVEN, is_fresh=False, age_ms=10_250),
        FeedHealthChanged(at=later(5), is_fresh=True, age_ms=100),
    )

    assert [(told.state, told.causes) for told in stage.said(TradingStateChanged)] == [
        (TradingState.ACTIVE, ()),
        (TradingState.REDUCING, ("feed",)),
        (TradingState.ACTIVE, ()),
    ]


def test_causes_add_up_and_end_one_by_one() -> None:
    stage = a_stage()

    stage.tell(
        ChildGaveUp(at=ELEVEN, name="candle_book", policy="REDUCE", text="four failures"),
        FeedHealthChanged(at=later(1), is_fresh=False, age_ms=10_250),
        FeedHealthChanged(at=later(5), is_fresh=True, age_ms=100),
    )

    assert [told.causes for told in stage.said(TradingStateChanged)][1:] == [
        ("candle_book",),
        ("candle_book", "feed"),
        ("candle_book",),
    ]


def test_people_that_stay_down_stop_nothing() -> None:
    stage = a_stage()

    stage.tell(ChildGaveUp(at=ELEVEN, name="dashboard", policy="CARRY_ON", text="four failures"))

    assert [told.state for told in stage.said(TradingStateChanged)] == [TradingState.ACTIVE]


def test_exits_go_on_while_entries_are_stopped() -> None:
    stage = a_stage(a_position())

    stage.tell(FeedHealthChanged(at=ELEVEN, is_fresh=False, age_ms=10_250), trailed(70_00))

    assert len(stage.said(ExitCandidate)) == 1


def test_a_new_entry_guard_is_told_the_state_and_the_tallies() -> None:
    stage = a_stage(a_closed_position())
    mark = stage.mark

    stage.tell(restarted("entry_guard"))

    assert (len(stage.said(TradingStateChanged, mark)), len(stage.said(DayTallyChanged, mark))) == (1, 1)


def test_what_a_feed_hub_that_failed_said_of_the_feed_is_forgotten() -> None:
    stage = a_stage()
    stage.tell(FeedHealthChanged(at=ELEVEN, is_fresh=False, age_ms=10_250))

    stage.tell(restarted("feed_hub"))

    assert stage.said(TradingStateChanged)[-1].state is TradingState.ACTIVE


def test_a_crash_at_a_mark_decides_at_the_next_one() -> None:
    stage = a_stage(a_position())

    stage.crash("risk_manager", trailed(70_00))
    asked = len(stage.told("position_tracker", ReportPositions))
    stage.tell(a_snapshot(a_position()), trailed(69_00, later(1)))

    assert (asked, len(stage.said(ExitCandidate))) == (2, 1)


def test_the_stop_that_binds_names_the_exit() -> None:
    stage = a_stage(a_position())
    trail = a_trail(106_70, 110_00, stop_source=StopSource.TRAIL, is_breakeven_locked=True)

    stage.tell(trailed(106_70, trail=trail))

    assert [claim.tag for claim in stage.said(ExitCandidate)] == ["trailing_stop_3pct"]
