"""RiskManager decides at every mark and on its loop, claims once, and never forgets a loss."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from scalper.actors.messages.exits import (
    ExitCandidate,
    ExitFailed,
    ExitFilled,
)
from scalper.actors.messages.orders import OrderCancelled, OrderFilled, OrderPartiallyFilled
from scalper.actors.messages.positions import (
    PositionChanged,
    PositionTrailed,
)
from scalper.actors.risk_manager import RiskManager
from scalper.domain.guard_rules import RiskRules
from scalper.domain.orders import OrderSide
from scalper.domain.positions import OrderTotals, Position
from scalper.domain.reasons import ExitReason
from scalper.domain.rules import ExitRules
from scalper.domain.times import us_from
from scalper.store.database import Store
from tests.actors.harness import Stage, a_cache, a_snapshot, a_store
from tests.builders import (
    ACCOUNT,
    DAY,
    ELEVEN,
    LOT,
    SESSION,
    a_position,
    a_report,
    a_trail,
    an_exit_order,
    charges,
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
