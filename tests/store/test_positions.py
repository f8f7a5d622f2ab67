"""Positions in the database."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalper.domain.positions import Position, PositionStatus, Trail
from scalper.domain.reasons import StopSource
from scalper.errors import InvariantError
from scalper.store.database import Store
from scalper.store.errors import Conflict
from scalper.store.positions import PositionRepository
from tests.builders import ACCOUNT, DAY, ELEVEN, a_position, a_trail, later
from tests.store.ground import an_exited_position


def stored(store: Store, *positions: Position) -> PositionRepository:
    repository = PositionRepository(store)
    with store.unit() as unit:
        for position in positions:
            repository.insert(position)
        unit.commit()
    return repository


@pytest.mark.parametrize(
    "position",
    [
        a_position(),
        a_position(status=PositionStatus.PENDING, trail=None, orders=(), opened_at=None, entry_price_paise=0),
        an_exited_position(7, -1_234_56, ELEVEN + timedelta(microseconds=1)),
    ],
    ids=["active", "pending", "exited"],
)
def test_a_position_comes_back_as_it_was(store: Store, position: Position) -> None:
    repository = stored(store, position)

    assert repository.get(position.id) == position


def test_an_unknown_position_is_none(store: Store) -> None:
    assert PositionRepository(store).get(404) is None


def test_saving_replaces_the_whole_row(store: Store) -> None:
    repository = stored(store, a_position(), a_position(2))
    exited = an_exited_position(1, 500_00, later(60))

    with store.unit() as unit:
        repository.save(exited)
        unit.commit()

    assert (repository.get(1), repository.get(2)) == (exited, a_position(2))


def test_one_trade_intent_makes_one_position(store: Store) -> None:
    repository = stored(store, a_position(1, trade_intent_id=5))

    with pytest.raises(Conflict), store.unit():
        repository.insert(a_position(2, trade_intent_id=5))


def test_a_write_outside_a_unit_is_refused(store: Store) -> None:
    with pytest.raises(InvariantError, match="unit of work"):
        PositionRepository(store).insert(a_position())


def test_a_mark_changes_the_pnl_of_active_positions_and_nothing_else(store: Store) -> None:
    exited = an_exited_position(2, -400_00, ELEVEN)
    repository = stored(store, a_position(1), exited)

    with store.unit() as unit:
        repository.save_marks([(1, 123_45), (2, 999_99), (404, 1)])
        unit.commit()

    assert repository.get(1) == a_position(1, last_pnl_paise=123_45)
    assert repository.get(2) == exited


def test_a_tighter_trail_is_taken_over(store: Store) -> None:
    repository = stored(store, a_position())
    trail = Trail(stop_paise=106_70, stop_source=StopSource.TRAIL, hwm_ltp_paise=110_00, is_breakeven_locked=True)

    with store.unit() as unit:
        repository.save_trail(1, trail, 650_00)
        unit.commit()

    assert repository.get(1) == a_position(trail=trail, hwm_pnl_paise=650_00)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_stored_peak_stop_or_lock_ever_falls(store: Store, data: st.DataObject) -> None:
    paise = st.integers(1, 500_00)
    trails = data.draw(
        st.lists(
            st.builds(
                Trail,
                stop_paise=paise,
                stop_source=st.sampled_from(StopSource),
                hwm_ltp_paise=paise,
                is_breakeven_locked=st.booleans(),
            ),
            min_size=1,
            max_size=4,
        )
    )
    repository = PositionRepository(store)

    with store.unit():
        repository.insert(a_position(trail=None))
        for trail in trails:
            repository.save_trail(1, trail, trail.hwm_ltp_paise)
        kept = repository.get(1)

    tightest = max(trails, key=lambda trail: trail.stop_paise)
    assert kept is not None
    assert kept.trail == Trail(
        stop_paise=tightest.stop_paise,
        stop_source=tightest.stop_source,
        hwm_ltp_paise=max(trail.hwm_ltp_paise for trail in trails),
        is_breakeven_locked=any(trail.is_breakeven_locked for trail in trails),
    )
    assert kept.hwm_pnl_paise == max(trail.hwm_ltp_paise for trail in trails)


def test_the_trail_of_an_exited_position_stays(store: Store) -> None:
    exited = an_exited_position(1, 0, ELEVEN)
    repository = stored(store, exited)

    with store.unit() as unit:
        repository.save_trail(1, a_trail(stop_paise=99_00), 0)
        unit.commit()

    assert repository.get(1) == exited


def test_a_day_has_what_was_made_or_exited_on_it_and_what_is_open(store: Store) -> None:
    yesterday = ELEVEN - timedelta(days=1)
    open_since_yesterday = a_position(1, created_at=yesterday)
    exited_yesterday = an_exited_position(2, 0, yesterday)
    exited_today = an_exited_position(3, 0, ELEVEN.replace(hour=0, minute=0))
    cancelled_today = a_position(4, status=PositionStatus.CANCELLED)
    repository = stored(store, open_since_yesterday, exited_yesterday, exited_today, cancelled_today)

    assert repository.of_day(DAY) == (open_since_yesterday, exited_today, cancelled_today)
    assert repository.open_positions() == (open_since_yesterday,)
    assert repository.max_id() == 4


def test_a_paper_wallet_has_the_result_of_all_earlier_days(store: Store) -> None:
    midnight = ELEVEN.replace(hour=0, minute=0)
    repository = stored(
        store,
        an_exited_position(1, 1_000_00, midnight - timedelta(microseconds=1)),
        an_exited_position(2, -300_00, midnight - timedelta(days=9)),
        an_exited_position(3, 77_00, midnight),
        msgspec.structs.replace(an_exited_position(4, 55_00, midnight - timedelta(days=1)), account_id="other"),
        a_position(5, last_pnl_paise=11_00),
    )

    assert repository.all_closed_net_paise(ACCOUNT, DAY) == 700_00
    assert repository.all_closed_net_paise(ACCOUNT, date(2026, 1, 1)) == 0


def test_numbering_starts_at_nothing(store: Store) -> None:
    assert PositionRepository(store).max_id() == 0
