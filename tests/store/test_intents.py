"""Trade intents and their gates in the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scalper.domain.signals import GateResult, IntentStatus, TradeIntent
from scalper.errors import TransitionError
from scalper.store.database import Store
from scalper.store.errors import Conflict
from scalper.store.intents import IntentRepository
from tests.builders import DAY, ELEVEN, later
from tests.store.ground import a_trade_intent, row_count

APPROVED, REJECTED, PLACED = IntentStatus.APPROVED, IntentStatus.REJECTED, IntentStatus.PLACED
FILLED, FAILED = IntentStatus.FILLED, IntentStatus.FAILED


def stored(store: Store, *intents: TradeIntent) -> IntentRepository:
    repository = IntentRepository(store)
    with store.unit() as unit:
        for intent in intents:
            repository.insert(intent)
        unit.commit()
    return repository


@pytest.mark.parametrize(
    "gates",
    [
        (),
        (
            GateResult("spread", "3.1 %", "at most 2 %", False, "spread_too_wide"),
            GateResult("session", "11:00:00", "before 15:00", True),
            GateResult("capital", "₹ 6500", "at most ₹ 100000", True),
        ),
    ],
    ids=["no gate", "three gates"],
)
def test_an_intent_comes_back_with_its_gates_in_their_order(store: Store, gates: tuple[GateResult, ...]) -> None:
    intent = a_trade_intent(gates=gates, status=REJECTED, reason="spread_too_wide")

    repository = stored(store, a_trade_intent(2), intent)

    assert repository.get(1) == intent
    assert repository.get(404) is None


def test_a_leg_of_a_delivery_has_one_intent(store: Store) -> None:
    stored(store, a_trade_intent(1, delivery_id=5), a_trade_intent(2, delivery_id=5, leg_no=1))

    with pytest.raises(Conflict):
        stored(store, a_trade_intent(3, delivery_id=5, leg_no=1))

    assert row_count(store, "gate_results") == 4


def test_an_intent_moves_only_from_where_it_is_expected(store: Store) -> None:
    repository = stored(store, a_trade_intent())
    at = later(1)
    with store.unit() as unit:
        from_elsewhere = repository.move(1, [PLACED], FILLED, at)
        moved = repository.move(1, [APPROVED, PLACED], FAILED, at, reason="stale")
        too_late = repository.move(1, [APPROVED], PLACED, at)
        unit.commit()

    assert (from_elsewhere, moved, too_late) == (False, True, False)
    assert repository.get(1) == a_trade_intent(status=FAILED, reason="stale", updated_at=at)


def test_there_is_no_way_back(store: Store) -> None:
    repository = stored(store, a_trade_intent(status=REJECTED))

    with pytest.raises(TransitionError), store.unit():
        repository.move(1, [REJECTED], APPROVED, ELEVEN)


def test_intents_are_found_by_status_delivery_and_day(store: Store) -> None:
    approved = a_trade_intent(1)
    placed = a_trade_intent(2, status=PLACED)
    of_tomorrow = a_trade_intent(3, status=REJECTED, created_at=ELEVEN + timedelta(days=1))
    repository = stored(store, of_tomorrow, placed, approved)

    assert repository.approved_unplaced() == (approved,)
    assert repository.placed() == (placed,)
    assert repository.by_delivery(2) == (placed,)
    assert repository.of_day(DAY) == (approved, placed)
    assert repository.max_id() == 3
