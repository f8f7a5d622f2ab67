"""The ladder of a day, at and beside every step."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.calendar import (
    Calendar,
    EntryRefusal,
    SessionPhase,
    SessionRow,
    entry_allowed,
    force_exit,
    phase,
    shortened,
)
from scalper.domain.reasons import ExitReason
from scalper.domain.times import IST, ist
from tests.shared_files import golden_cases

MONDAY = date(2026, 1, 12)
HOLIDAY = date(2026, 1, 26)
USUAL = SessionRow(
    opens=time(9, 15), entries_from=time(9, 20), no_new_entries=time(15, 0),
    session_end=time(15, 15), time_exit=time(15, 20), closes=time(15, 30),
)  # fmt: skip
LONGER = msgspec.structs.replace(USUAL, closes=time(15, 40), index_still_from=time(15, 15))
MUHURAT = SessionRow(
    opens=time(18, 0), entries_from=time(18, 5), no_new_entries=time(18, 30),
    session_end=time(18, 45), time_exit=time(18, 50), closes=time(19, 0),
)  # fmt: skip
SESSION = USUAL.on(MONDAY)


def a_calendar(**changes) -> Calendar:
    rows = {
        "default_rows": {date(2026, 8, 3): LONGER, date(2020, 1, 1): USUAL},
        "special_sessions": {date(2026, 11, 8): MUHURAT},
        "extra_holidays": frozenset({date(2026, 1, 15)}),
        "extra_trading_days": frozenset({date(2026, 2, 1)}),
        "is_exchange_holiday": lambda day: day == HOLIDAY,
    }
    return Calendar(**rows | changes)


def at(clock: str) -> datetime:
    return ist(MONDAY, time.fromisoformat(clock))


@pytest.mark.parametrize(("day", "trades"), [
    (MONDAY, True),
    (HOLIDAY, False),
    (date(2026, 1, 17), False),    # Saturday
    (date(2026, 1, 15), False),    # Thursday, closed by a row
    (date(2026, 2, 1), True),      # Sunday, open by a row
    (date(2026, 11, 8), True),     # Sunday, a special session
])  # fmt: skip
def test_a_row_outranks_the_weekday_and_the_exchange_list(day, trades):
    calendar = a_calendar()

    assert calendar.is_trading_day(day) is trades
    assert (calendar.session(day) is not None) is trades


@pytest.mark.parametrize(("day", "closes"), [
    (date(2026, 7, 31), time(15, 30)),
    (date(2026, 8, 3), time(15, 40)),
    (date(2026, 11, 8), time(19, 0)),
    (date(2026, 2, 1), time(15, 30)),
])  # fmt: skip
def test_times_follow_the_date(day, closes):
    session = a_calendar().session(day)

    assert session.closes_at == ist(day, closes)


def test_a_day_before_the_first_row_has_no_times():
    with pytest.raises(ValueError, match=r"2019-12-31.*2020-01-01"):
        a_calendar().session(date(2019, 12, 31))


def test_a_day_cannot_be_open_and_closed():
    with pytest.raises(ValueError, match="2026-02-01"):
        a_calendar(extra_holidays=frozenset({date(2026, 2, 1)}))


def test_a_calendar_without_times_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        a_calendar(default_rows={})


def test_times_that_do_not_ascend_are_refused():
    with pytest.raises(ValueError, match="ascend"):
        msgspec.structs.replace(USUAL, time_exit=time(15, 10))


def test_a_year_is_known_by_any_closed_day_in_it():
    calendar = a_calendar(extra_holidays=frozenset({date(2027, 3, 1)}))

    assert [calendar.knows_year(year) for year in (2025, 2026, 2027)] == [False, True, True]


PHASES = [
    ("00:00:00", SessionPhase.CLOSED),
    ("09:14:59", SessionPhase.CLOSED),
    ("09:15:00", SessionPhase.PRE_ENTRY),
    ("09:19:59", SessionPhase.PRE_ENTRY),
    ("09:20:00", SessionPhase.ENTRY),
    ("14:59:59", SessionPhase.ENTRY),
    ("15:00:00", SessionPhase.NO_NEW_ENTRIES),
    ("15:14:59", SessionPhase.NO_NEW_ENTRIES),
    ("15:15:00", SessionPhase.SESSION_END),
    ("15:19:59", SessionPhase.SESSION_END),
    ("15:20:00", SessionPhase.TIME_EXIT),
    ("15:29:59", SessionPhase.TIME_EXIT),
    ("15:30:00", SessionPhase.CLOSED),
    ("16:20:00", SessionPhase.CLOSED),
]


@pytest.mark.parametrize(("clock", "expected"), PHASES)
def test_each_phase_begins_on_its_second(clock, expected):
    assert phase(at(clock), SESSION) is expected


@pytest.mark.parametrize(("clock", "reason"), [
    ("09:14:59", EntryRefusal.MARKET_CLOSED),
    ("09:15:00", EntryRefusal.BEFORE_ENTRY_WINDOW),
    ("09:20:00", None),
    ("14:59:59", None),
    ("15:00:00", EntryRefusal.NO_NEW_ENTRIES_AFTER),
    ("15:15:00", EntryRefusal.AFTER_ENTRY_WINDOW),
    ("15:20:00", EntryRefusal.AFTER_ENTRY_WINDOW),
    ("15:30:00", EntryRefusal.MARKET_CLOSED),
])  # fmt: skip
def test_entries_are_refused_outside_their_window(clock, reason):
    is_allowed, why = entry_allowed(at(clock), SESSION)

    assert (is_allowed, why) == (reason is None, reason)


@pytest.mark.parametrize(("clock", "due", "reason", "seconds_left"), [
    ("00:00:00", False, None, 54_900),
    ("15:14:59", False, None, 1),
    ("15:15:00", True, ExitReason.SESSION_END, 0),
    ("15:19:59", True, ExitReason.SESSION_END, 0),
    ("15:20:00", True, ExitReason.TIME_EXIT, 0),
    ("16:05:00", True, ExitReason.TIME_EXIT, 0),   # still due, though nothing can be sold
])  # fmt: skip
def test_time_alone_ends_positions(clock, due, reason, seconds_left):
    forced = force_exit(at(clock), SESSION)

    assert (forced.is_due, forced.reason, forced.seconds_left) == (due, reason, seconds_left)


def test_a_part_of_a_second_is_still_time_left():
    assert force_exit(at("15:14:59") + timedelta(milliseconds=999), SESSION).seconds_left == 1


def test_nothing_is_traded_on_a_day_without_a_session():
    noon = ist(HOLIDAY, time(12))

    assert phase(noon, None) is SessionPhase.CLOSED
    assert entry_allowed(noon, None) == (False, EntryRefusal.MARKET_CLOSED)
    assert not force_exit(noon, None).is_due


@pytest.mark.parametrize(("last_bar_end", "ladder"), [
    ("13:19", "09:20 12:49 13:04 13:09 13:19"),
    ("15:29", "09:20 14:59 15:14 15:19 15:29"),
    ("15:30", "09:20 15:00 15:15 15:20 15:30"),
    ("09:25", "09:15 09:15 09:15 09:15 09:25"),   # too short for the ladder: never before the open
    ("09:15", "09:15 09:15 09:15 09:15 09:15"),
])  # fmt: skip
def test_a_day_recorded_short_moves_its_ladder(last_bar_end, ladder):
    short = shortened(SESSION, at(last_bar_end))

    steps = (short.entries_from, short.no_new_entries_at, short.session_end_at, short.time_exit_at, short.closes_at)
    assert " ".join(f"{step:%H:%M}" for step in steps) == ladder


def test_a_step_of_a_shortened_day_never_comes_later_than_usual():
    full = LONGER.on(date(2026, 8, 3))

    short = shortened(full, full.closes_at - timedelta(minutes=1))

    assert (short.no_new_entries_at, short.session_end_at) == (full.no_new_entries_at, full.session_end_at)
    assert short.index_still_from == full.index_still_from


def test_a_day_that_ends_before_the_index_stands_still_has_no_still_index():
    full = LONGER.on(date(2026, 8, 3))

    assert shortened(full, full.index_still_from).index_still_from is None


@given(st.datetimes(datetime(2026, 1, 12), datetime(2026, 1, 12, 23, 59)), st.integers(0, 400))
def test_an_entry_is_never_allowed_while_an_exit_is_due(moment, minutes):
    session = shortened(SESSION, SESSION.opens_at + timedelta(minutes=minutes))
    moment = moment.replace(tzinfo=IST)

    assert not (entry_allowed(moment, session).is_allowed and force_exit(moment, session).is_due)


@pytest.mark.parametrize("case", golden_cases("session.market_closed", "signal.validation.market_timing"))
def test_market_hours_as_in_the_worked_examples(case):
    session = SESSION if case["input"]["trading_day"] else None

    is_closed = phase(at(case["input"]["time_ist"]), session) is SessionPhase.CLOSED

    assert is_closed == case["expected"].get("closed", not case["expected"].get("valid"))


@pytest.mark.parametrize("case", golden_cases("session.windows"))
def test_windows_as_in_the_worked_examples(case):
    moment, expected = at(case["input"]["time_ist"]), case["expected"]

    # The examples' window ends at 15:15 and leaves the last entry at 15:00 to the gate after it.
    in_window = entry_allowed(moment, SESSION).reason in (None, EntryRefusal.NO_NEW_ENTRIES_AFTER)
    forced = force_exit(moment, SESSION)

    assert in_window == expected["s000_entry_window"]
    assert (forced.is_due, forced.seconds_left) == (expected["force_exit"], expected["seconds_to_deadline"])


@pytest.mark.parametrize("case", golden_cases("signal.no_new_after"))
def test_no_new_entries_as_in_the_worked_examples(case):
    assert entry_allowed(at(case["input"]["time_ist"]), SESSION).is_allowed == case["expected"]["entry_allowed"]
