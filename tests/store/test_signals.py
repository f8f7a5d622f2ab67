"""Signals, deliveries and exits in the database."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from scalper.domain.reasons import ExitReason
from scalper.domain.signals import DeliveryStatus, IntentStatus, Signal, SignalStatus
from scalper.errors import TransitionError
from scalper.store.database import Store
from scalper.store.errors import Conflict, LiveExitExists
from scalper.store.orders import OrderRepository
from scalper.store.signals import MaxIds, SignalRepository
from tests.builders import ACCOUNT, DAY, ELEVEN, a_delivery, an_exit_order, later
from tests.shared_files import golden_cases
from tests.store.ground import a_signal, an_exit_intent, an_exit_signal, row_count

PENDING, APPROVED, REJECTED = IntentStatus.PENDING, IntentStatus.APPROVED, IntentStatus.REJECTED
PLACED, FILLED, FAILED = IntentStatus.PLACED, IntentStatus.FILLED, IntentStatus.FAILED


def stored_signal(store: Store, *signals: Signal) -> SignalRepository:
    repository = SignalRepository(store)
    with store.unit() as unit:
        for signal in signals:
            repository.insert_signal(signal)
        unit.commit()
    return repository


def stored_exit(store: Store, number: int = 1, **changes: Any) -> SignalRepository:
    """An exit signal and its intent with the same number; `changes` are for the intent."""
    repository = SignalRepository(store)
    shared = {name: changes[name] for name in ("position_id", "reason", "episode") if name in changes}
    with store.unit() as unit:
        repository.insert_exit(an_exit_signal(number, **shared), an_exit_intent(number, **changes), ())
        unit.commit()
    return repository


def test_a_signal_comes_back_as_it_was(store: Store) -> None:
    repository = stored_signal(store, a_signal(published_at=ELEVEN, status=SignalStatus.PUBLISHED))

    assert repository.signal(1) == a_signal(published_at=ELEVEN, status=SignalStatus.PUBLISHED)
    assert repository.signal(2) is None


def test_a_repeated_signal_gives_the_row_that_is_there(store: Store) -> None:
    repository = SignalRepository(store)
    with store.unit() as unit:
        first = repository.insert_signal(a_signal(1))
        second = repository.insert_signal(a_signal(2, created_at=later(1)))
        unit.commit()

    assert (first, second) == ((a_signal(1), True), (a_signal(1), False))
    assert row_count(store, "signals") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"index_key": "BANKNIFTY"},
        {"direction": "bearish"},
        {"confluence_type": "ST_ADX_5M_15M"},
        {"day": DAY + timedelta(days=1)},
        {"effective_floor_paise": 25_700_05},
        {"effective_ceiling_paise": 25_760_05},
        {"candle_at": ELEVEN},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_each_part_of_the_key_makes_another_signal(store: Store, changes: dict[str, Any]) -> None:
    repository = stored_signal(store, a_signal(1))

    with store.unit():
        assert repository.insert_signal(a_signal(2, **changes)) == (a_signal(2, **changes), True)


def test_an_id_that_is_taken_is_refused(store: Store) -> None:
    repository = stored_signal(store, a_signal(1))

    with pytest.raises(Conflict, match="id 1 is taken"), store.unit():
        repository.insert_signal(a_signal(1, index_key="SENSEX"))


@pytest.mark.parametrize("case", golden_cases("sms.signals"))
def test_worked_examples_of_signal_keys(store: Store, case: dict[str, Any]) -> None:
    repository = stored_signal(
        store,
        *(
            a_signal(
                number,
                direction="bullish" if wanted["direction"] == "BUY" else "bearish",
                day=datetime.fromisoformat(wanted["signal_day"]).date(),
                candle_at=datetime.fromisoformat(wanted.get("candle_at", "2026-01-13T10:01:00+05:30")),
            )
            for number, wanted in enumerate(case["input"]["insert"], start=1)
        ),
    )

    assert row_count(store, "signals") == case["expected"]["rows"]
    assert repository.max_ids().signal == case["expected"]["rows"]


@pytest.mark.parametrize("case", golden_cases("sms.concurrency"))
def test_worked_examples_of_concurrent_inserts(store: Store, case: dict[str, Any]) -> None:
    assert_one_of_many_wins(store, case["input"]["parallel_inserts_same_key"])


def test_of_threads_that_insert_one_signal_one_wins(store: Store) -> None:
    assert_one_of_many_wins(store, 4)


def assert_one_of_many_wins(store: Store, count: int) -> None:
    """Insert the same candle state on several threads at once, each under an id of its own."""
    answers: list[tuple[Signal, bool]] = []
    together = threading.Barrier(count)

    def insert(number: int) -> None:
        repository = SignalRepository(store)
        together.wait(10)
        with store.unit() as unit:
            answer = repository.insert_signal(a_signal(number))
            unit.commit()
        answers.append(answer)
        store.close_thread()

    run_all(insert, count)
    assert len(answers) == count
    assert row_count(store, "signals") == 1
    assert [is_new for _, is_new in answers].count(True) == 1
    assert len({signal.id for signal, _ in answers}) == 1


def run_all(work: Any, count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, count + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


@pytest.mark.parametrize("case", golden_cases("sms.deliveries"))
def test_worked_examples_of_deliveries(store: Store, case: dict[str, Any]) -> None:
    signal_id = case["input"]["signal_id"]
    repository = stored_signal(store, a_signal(signal_id))

    for replay in range(case["input"]["replayed"]):
        with store.unit() as unit:
            repository.insert_deliveries(
                a_delivery(replay * 10 + number, signal_id=signal_id, account_id=str(account))
                for number, account in enumerate(case["input"]["user_brokers"], start=1)
            )
            unit.commit()

    assert len(repository.deliveries_of(signal_id)) == case["expected"]["rows"]


def test_an_account_gets_a_signal_once(store: Store) -> None:
    repository = stored_signal(store, a_signal())
    with store.unit() as unit:
        added = repository.insert_deliveries([a_delivery(1), a_delivery(2, account_id="live")])
        again = repository.insert_deliveries([a_delivery(3), a_delivery(4, account_id="other")])
        unit.commit()

    assert [delivery.id for delivery in added] == [1, 2]
    assert [delivery.id for delivery in again] == [4]
    assert [delivery.id for delivery in repository.deliveries_of(1)] == [1, 2, 4]


def test_a_delivery_of_no_signal_is_refused(store: Store) -> None:
    with pytest.raises(Conflict), store.unit():
        SignalRepository(store).insert_deliveries([a_delivery(1, signal_id=404)])


def test_a_signal_is_published_once(store: Store) -> None:
    repository = stored_signal(store, a_signal(1), a_signal(2, index_key="SENSEX"))
    with store.unit() as unit:
        answers = [repository.mark_published(1, later(1)) for _ in range(2)]
        unit.commit()

    assert answers == [True, False]
    assert [signal.id for signal in repository.unpublished()] == [2]
    assert repository.signal(1) == a_signal(status=SignalStatus.PUBLISHED, published_at=later(1))


def test_a_delivery_is_consumed_once(store: Store) -> None:
    repository = stored_signal(store, a_signal())
    with store.unit() as unit:
        repository.insert_deliveries([a_delivery(1), a_delivery(2, account_id="live")])
        answers = [repository.mark_consumed(1, later(1)) for _ in range(2)]
        unit.commit()

    assert answers == [True, False]
    assert repository.unconsumed() == (a_delivery(2, account_id="live"),)
    assert repository.deliveries_of(1)[0] == a_delivery(1, status=DeliveryStatus.CONSUMED, consumed_at=later(1))


def test_signals_are_found_by_day(store: Store) -> None:
    repository = stored_signal(store, a_signal(1), a_signal(2, day=DAY + timedelta(days=1)))

    assert [signal.id for signal in repository.signals_of_day(DAY)] == [1]


def test_an_exit_is_stored_whole(store: Store) -> None:
    repository = SignalRepository(store)
    orders = (an_exit_order("x-1"), an_exit_order("x-1a", slice_no=1))
    with store.unit() as unit:
        repository.insert_exit(an_exit_signal(), an_exit_intent(), orders)
        unit.commit()

    assert repository.latest_exit(1, ExitReason.STOP_LOSS) == (an_exit_signal(), an_exit_intent())
    assert repository.exit_intent(1) == an_exit_intent()
    assert repository.exit_signals_of_day(DAY) == (an_exit_signal(),)
    assert repository.exit_intents_of_day(DAY) == (an_exit_intent(),)
    assert OrderRepository(store).of_position(1) == orders


@pytest.mark.parametrize("status", [PENDING, APPROVED, PLACED])
def test_a_position_has_one_live_exit_for_whatever_reason(store: Store, status: IntentStatus) -> None:
    repository = stored_exit(store, status=status)

    with pytest.raises(LiveExitExists, match="position 1"), store.unit():
        repository.insert_exit(
            an_exit_signal(2, reason=ExitReason.TIME_EXIT),
            an_exit_intent(2, reason=ExitReason.TIME_EXIT),
            (an_exit_order(),),
        )

    assert [row_count(store, table) for table in ("exit_signals", "exit_intents", "orders")] == [1, 1, 0]
    assert repository.any_live_exit(1)


@pytest.mark.parametrize("status", [REJECTED, FAILED, FILLED])
def test_an_exit_that_is_over_makes_room(store: Store, status: IntentStatus) -> None:
    repository = stored_exit(store, status=status)
    assert not repository.any_live_exit(1)

    stored_exit(store, 2, episode=2)

    found = repository.latest_exit(1, ExitReason.STOP_LOSS)
    assert found is not None
    assert (found[0].episode, found[1].id) == (2, 2)
    assert repository.any_live_exit(1)


def test_an_episode_exists_once(store: Store) -> None:
    stored_exit(store, status=FAILED)

    with pytest.raises(Conflict) as caught:
        stored_exit(store, 2)

    assert not isinstance(caught.value, LiveExitExists)


def test_each_reason_has_episodes_of_its_own(store: Store) -> None:
    repository = stored_exit(store, status=FAILED)

    assert repository.latest_exit(1, ExitReason.TIME_EXIT) is None
    assert repository.latest_exit(2, ExitReason.STOP_LOSS) is None


def test_of_threads_that_exit_one_position_one_wins(store: Store) -> None:
    outcomes: list[str] = []
    together = threading.Barrier(4)

    def leave(number: int) -> None:
        together.wait(10)
        try:
            stored_exit(store, number, reason=list(ExitReason)[number])
            outcomes.append("stored")
        except LiveExitExists:
            outcomes.append("refused")
        store.close_thread()

    run_all(leave, 4)
    assert sorted(outcomes) == ["refused", "refused", "refused", "stored"]
    assert row_count(store, "exit_signals") == 1


def test_an_exit_intent_moves_only_from_where_it_is_expected(store: Store) -> None:
    repository = stored_exit(store)
    at = later(2)
    with store.unit() as unit:
        from_elsewhere = repository.move_exit_intent(1, [PLACED], FILLED, at)
        moved = repository.move_exit_intent(1, [APPROVED], PLACED, at, attempts=1)
        too_late = repository.move_exit_intent(1, [APPROVED], FAILED, at)
        unit.commit()

    assert (from_elsewhere, moved, too_late) == (False, True, False)
    assert repository.exit_intent(1) == an_exit_intent(status=PLACED, attempts=1, updated_at=at)


def test_a_rejection_keeps_its_reason(store: Store) -> None:
    repository = stored_exit(store, status=PENDING)
    with store.unit() as unit:
        assert repository.move_exit_intent(1, [PENDING], REJECTED, ELEVEN, reject_reason="market_closed")
        unit.commit()

    assert repository.exit_intent(1) == an_exit_intent(status=REJECTED, reject_reason="market_closed")


@pytest.mark.parametrize("case", golden_cases("sms.transitions"))
def test_worked_examples_of_transitions(store: Store, case: dict[str, Any]) -> None:
    before, after = IntentStatus(case["input"]["from"]), IntentStatus(case["input"]["to"])
    repository = stored_exit(store, status=before)

    with store.unit():
        if case["expected"]["allowed"]:
            assert repository.move_exit_intent(1, [before], after, ELEVEN)
        else:
            with pytest.raises(TransitionError):
                repository.move_exit_intent(1, [before], after, ELEVEN)


@pytest.mark.parametrize("case", golden_cases("sms.restart"))
def test_worked_examples_of_a_restart(store: Store, case: dict[str, Any]) -> None:
    for number, status in case["input"]["exit_intents"].items():
        stored_exit(store, int(number), position_id=int(number), status=IntentStatus(status))

    live = SignalRepository(store).live_exit_intents()

    assert [str(intent.id) for intent in live if intent.status is not PLACED] == case["expected"]["replayed"]
    assert [str(intent.id) for intent in live if intent.status is PLACED] == case["expected"]["reconciled"]


def test_of_threads_that_move_one_intent_one_wins(store: Store) -> None:
    stored_exit(store)
    answers: list[bool] = []
    together = threading.Barrier(4)

    def move(number: int) -> None:
        together.wait(10)
        with store.unit() as unit:
            answers.append(SignalRepository(store).move_exit_intent(1, [APPROVED], PLACED, ELEVEN, attempts=number))
            unit.commit()
        store.close_thread()

    run_all(move, 4)
    assert sorted(answers) == [False, False, False, True]


def test_an_exit_signal_is_published_once(store: Store) -> None:
    repository = stored_exit(store)
    with store.unit() as unit:
        answers = [repository.mark_exit_published(1, ELEVEN) for _ in range(2)]
        unit.commit()

    assert answers == [True, False]
    assert repository.exit_signals_of_day(DAY) == (an_exit_signal(status=SignalStatus.PUBLISHED, published_at=ELEVEN),)


def test_numbering_goes_on_after_the_greatest(store: Store) -> None:
    repository = SignalRepository(store)
    assert repository.max_ids() == MaxIds(signal=0, delivery=0, exit_signal=0, exit_intent=0)

    stored_signal(store, a_signal(3))
    stored_exit(store, 7)
    with store.unit() as unit:
        repository.insert_deliveries([a_delivery(5, signal_id=3)])
        unit.commit()

    assert repository.max_ids() == MaxIds(signal=3, delivery=5, exit_signal=7, exit_intent=7)


def test_entries_and_exits_of_an_accounts_day_share_one_series(store: Store) -> None:
    tomorrow = ELEVEN + timedelta(days=1)
    repository = stored_signal(store, a_signal(1), a_signal(2, day=tomorrow.date()))
    with store.unit() as unit:
        repository.insert_deliveries(
            [
                a_delivery(1, intent_number=4),
                a_delivery(2, intent_number=9, account_id="other"),
                a_delivery(3, intent_number=8, signal_id=2),
            ]
        )
        unit.commit()
    assert repository.max_intent_number(ACCOUNT, DAY) == 4

    stored_exit(store, 1, intent_number=6)
    stored_exit(store, 2, intent_number=12, position_id=2, created_at=tomorrow)

    assert repository.max_intent_number(ACCOUNT, DAY) == 6
    assert repository.max_intent_number(ACCOUNT, tomorrow.date()) == 12
    assert repository.max_intent_number("nobody", DAY) == 0
