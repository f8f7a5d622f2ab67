"""Days, accounts, settings, starting balances and circuit trips in the database."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from scalper.domain.signals import IntentStatus, SignalStatus
from scalper.store.database import Store
from scalper.store.days import DayRepository
from scalper.store.intents import IntentRepository
from scalper.store.orders import OrderRepository
from scalper.store.positions import PositionRepository
from scalper.store.records import Account, CircuitTrip, Day, DayState, Setting, StartingBalance
from scalper.store.risk import RiskRepository
from scalper.store.signals import SignalRepository
from tests.builders import ACCOUNT, DAY, ELEVEN, a_delivery, a_position, an_order, later
from tests.store.ground import a_fill, a_signal, a_trade_intent, an_exit_intent, an_exit_signal, totals_of

TODAY = Day(
    day=DAY,
    market="builtin",
    market_name="builtin",
    seed=7,
    mode="paper",
    config_hash="abc",
    opened_at=ELEVEN,
    last_at=ELEVEN,
)
BALANCE = StartingBalance(
    account_id=ACCOUNT, day=DAY, starting_balance_paise=100_000_00, is_estimated=False, captured_at=ELEVEN
)
TRIP = CircuitTrip(account_id=ACCOUNT, day=DAY, reason="circuit", at=ELEVEN, loss_bps=612, limits='{"limit_bps":600}')


def test_a_day_is_opened_once_and_its_starts_are_counted(store: Store) -> None:
    repository = DayRepository(store)
    with store.unit() as unit:
        first = repository.open_day(TODAY)
        again = repository.open_day(msgspec.structs.replace(TODAY, seed=8, last_at=later(5)))
        unit.commit()

    assert first == TODAY
    assert again == msgspec.structs.replace(TODAY, started_count=2, last_at=later(5))
    assert repository.get(DAY) == again


def test_a_finished_day_has_its_summary(store: Store) -> None:
    repository = DayRepository(store)
    with store.unit() as unit:
        repository.open_day(TODAY)
        repository.finish_day(DAY, '{"net_paise":0}', later(9))
        unit.commit()

    finished = msgspec.structs.replace(TODAY, state=DayState.FINISHED, summary='{"net_paise":0}', last_at=later(9))
    assert repository.get(DAY) == finished
    assert repository.days() == (finished,)
    assert repository.get(DAY + timedelta(days=1)) is None


def test_a_mark_never_goes_back(store: Store) -> None:
    repository = DayRepository(store)
    with store.unit() as unit:
        repository.open_day(TODAY)
        repository.mark(DAY, later(5))
        repository.mark(DAY, later(4))
        unit.commit()

    assert repository.last_at(DAY) == later(5)


def insert_signal(store: Store, at: datetime) -> None:
    SignalRepository(store).insert_signal(a_signal(created_at=at))


def insert_published_signal(store: Store, at: datetime) -> None:
    SignalRepository(store).insert_signal(a_signal(status=SignalStatus.PUBLISHED, published_at=at))


def insert_delivery(store: Store, at: datetime) -> None:
    SignalRepository(store).insert_signal(a_signal())
    SignalRepository(store).insert_deliveries([a_delivery(consumed_at=at)])


def insert_intent(store: Store, at: datetime) -> None:
    IntentRepository(store).insert(a_trade_intent(updated_at=at))


def insert_exit(store: Store, at: datetime) -> None:
    SignalRepository(store).insert_exit(an_exit_signal(), an_exit_intent(updated_at=at), ())


def insert_order(store: Store, at: datetime) -> None:
    OrderRepository(store).insert(an_order(updated_at=at))


def insert_fill(store: Store, at: datetime) -> None:
    OrderRepository(store).insert(an_order())
    OrderRepository(store).add_fill(a_fill(at=at), totals_of(an_order(), 65, 6_500_00))


def insert_position(store: Store, at: datetime) -> None:
    PositionRepository(store).insert(a_position(updated_at=at))


def insert_balance(store: Store, at: datetime) -> None:
    RiskRepository(store).keep_starting_balance(msgspec.structs.replace(BALANCE, captured_at=at))


def insert_trip(store: Store, at: datetime) -> None:
    RiskRepository(store).trip(msgspec.structs.replace(TRIP, at=at))


@pytest.mark.parametrize(
    "insert",
    [
        insert_signal,
        insert_published_signal,
        insert_delivery,
        insert_intent,
        insert_exit,
        insert_order,
        insert_fill,
        insert_position,
        insert_balance,
        insert_trip,
    ],
)
def test_a_day_is_resumed_after_the_newest_thing_stored(store: Store, insert: object) -> None:
    newest = ELEVEN + timedelta(hours=1, microseconds=1)
    assert callable(insert)
    with store.unit() as unit:
        DayRepository(store).open_day(TODAY)
        insert(store, newest)
        unit.commit()

    assert DayRepository(store).last_at(DAY) == newest


def test_another_day_does_not_count(store: Store) -> None:
    with store.unit() as unit:
        insert_position(store, ELEVEN)
        unit.commit()

    assert DayRepository(store).last_at(DAY + timedelta(days=1)) is None
    assert DayRepository(store).last_at(DAY - timedelta(days=1)) is None


def test_accounts_and_settings_are_replaced_by_name(store: Store) -> None:
    repository = DayRepository(store)
    account = Account(id=ACCOUNT, broker="box", mode="paper", is_enabled=True, created_at=ELEVEN)
    with store.unit() as unit:
        for is_enabled in (True, False):
            repository.put_account(msgspec.structs.replace(account, is_enabled=is_enabled))
        for value in ("once", "twice"):
            repository.put_setting(Setting(key="armed", value=value))
        unit.commit()

    assert repository.accounts() == (msgspec.structs.replace(account, is_enabled=False),)
    assert repository.setting("armed") == "twice"
    assert repository.setting("unheard of") is None


def test_the_first_starting_balance_of_a_day_holds(store: Store) -> None:
    repository = RiskRepository(store)
    assert repository.starting_balance(ACCOUNT, DAY) is None

    with store.unit() as unit:
        first = repository.keep_starting_balance(BALANCE)
        second = repository.keep_starting_balance(
            msgspec.structs.replace(BALANCE, starting_balance_paise=1, is_estimated=True)
        )
        unit.commit()

    assert first == second == repository.starting_balance(ACCOUNT, DAY) == BALANCE
    assert repository.starting_balance("other", DAY) is None


def test_a_limit_trips_once_an_account_and_day(store: Store) -> None:
    repository = RiskRepository(store)
    yesterday = msgspec.structs.replace(TRIP, day=DAY - timedelta(days=1), at=ELEVEN - timedelta(days=1))
    with store.unit() as unit:
        answers = [repository.trip(trip) for trip in (yesterday, TRIP, TRIP)]
        unit.commit()

    assert answers == [True, True, False]
    assert repository.last_trip(ACCOUNT) == TRIP
    assert repository.trips_of_day(ACCOUNT, DAY) == (TRIP,)
    assert repository.last_trip("other") is None


def test_a_status_is_a_word_in_the_database(store: Store) -> None:
    with store.unit() as unit:
        insert_intent(store, ELEVEN)
        unit.commit()

    (row,) = store.rows_of_sql("SELECT status, created_at FROM trade_intents")
    assert row == {"status": str(IntentStatus.APPROVED), "created_at": 1_768_282_200_000_000}
