"""Trading days, the ladder of times within one, and what may be done at a moment.

Every time is data: the calendar is built from rows, so an exchange that moves its hours changes a file, not a rule.
A day without a session is `None`; all comparisons are closed at the start and open at the end.

Source: REQUIREMENTS 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from scalper.domain.reasons import ExitReason
from scalper.domain.times import ist

#: The ladder of a day that ends early, counted back from its last bar.
NO_NEW_ENTRIES_BEFORE_END = timedelta(minutes=30)
SESSION_END_BEFORE_END = timedelta(minutes=15)
TIME_EXIT_BEFORE_END = timedelta(minutes=10)

#: Monday is 0; Saturday and Sunday trade only by a row of their own.
_SATURDAY = 5


class SessionPhase(StrEnum):
    """Where a moment stands on the day's ladder; each phase lasts until the next begins."""

    CLOSED = "CLOSED"
    PRE_ENTRY = "PRE_ENTRY"
    ENTRY = "ENTRY"
    NO_NEW_ENTRIES = "NO_NEW_ENTRIES"
    SESSION_END = "SESSION_END"
    TIME_EXIT = "TIME_EXIT"


class EntryRefusal(StrEnum):
    """Why the clock alone forbids an entry, in the words of the gate ledger."""

    MARKET_CLOSED = "market_closed"
    BEFORE_ENTRY_WINDOW = "before_entry_window"
    AFTER_ENTRY_WINDOW = "after_entry_window"
    NO_NEW_ENTRIES_AFTER = "no_new_entries_after"


class SessionTimes(msgspec.Struct, frozen=True, kw_only=True):
    """The ladder of one day, as aware Asia/Kolkata times.

    Attributes:
        opens_at: Continuous trading begins.
        entries_from: First moment of an entry.
        no_new_entries_at: From here on no position is opened.
        session_end_at: From here on every open position is sold.
        time_exit_at: From here on an exit that begins is a time exit.
        closes_at: No order can be placed any more.
        index_still_from: The index stands still from here on; None when it moves to the close.
    """

    opens_at: datetime
    entries_from: datetime
    no_new_entries_at: datetime
    session_end_at: datetime
    time_exit_at: datetime
    closes_at: datetime
    index_still_from: datetime | None = None


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """The ladder as wall clock times, before it is known on which day.

    Raises:
        ValueError: The times do not ascend.
    """

    opens: time
    entries_from: time
    no_new_entries: time
    session_end: time
    time_exit: time
    closes: time
    index_still_from: time | None = None

    def __post_init__(self) -> None:
        ladder = (
            self.opens, self.entries_from, self.no_new_entries, self.session_end, self.time_exit, self.closes
        )  # fmt: skip
        if list(ladder) != sorted(ladder) or self.opens == self.closes:
            raise ValueError(f"session times must ascend, got {', '.join(f'{each:%H:%M}' for each in ladder)}")

    def on(self, day: date) -> SessionTimes:
        """The same ladder on one day."""
        return SessionTimes(
            opens_at=ist(day, self.opens),
            entries_from=ist(day, self.entries_from),
            no_new_entries_at=ist(day, self.no_new_entries),
            session_end_at=ist(day, self.session_end),
            time_exit_at=ist(day, self.time_exit),
            closes_at=ist(day, self.closes),
            index_still_from=ist(day, self.index_still_from) if self.index_still_from else None,
        )


class Calendar:
    """Which days trade, and when: default times by date range, special sessions, and days corrected both ways.

    Args:
        default_rows: The usual times by the first day they hold on, in any order.
        special_sessions: Days with times of their own; each is a trading day.
        extra_holidays: Days the exchange was closed although `is_exchange_holiday` does not know.
        extra_trading_days: Days the exchange kept its usual hours although they look closed.
        is_exchange_holiday: Whether a weekday is a holiday of the exchange; no row of ours is asked of it.

    Raises:
        ValueError: There is no default row, or a day is said to be both open and closed.

    Source: REQUIREMENTS 2.
    """

    def __init__(
        self,
        *,
        default_rows: Mapping[date, SessionRow],
        special_sessions: Mapping[date, SessionRow],
        extra_holidays: frozenset[date],
        extra_trading_days: frozenset[date],
        is_exchange_holiday: Callable[[date], bool],
    ) -> None:
        if not default_rows:
            raise ValueError("the calendar needs at least one row of default times")
        open_days = extra_trading_days | special_sessions.keys()
        if both := sorted(extra_holidays & open_days):
            raise ValueError(f"days cannot be holiday and session at once: {', '.join(map(str, both))}")
        self._default_rows = sorted(default_rows.items())
        self._special = dict(special_sessions)
        self._extra_holidays = extra_holidays
        self._open_days = frozenset(open_days)
        self._is_exchange_holiday = is_exchange_holiday

    def is_trading_day(self, day: date) -> bool:
        """Whether there is a session: a row of ours decides; else Monday to Friday and not a holiday."""
        if day in self._open_days:
            return True
        if day in self._extra_holidays or day.weekday() >= _SATURDAY:
            return False
        return not self._is_exchange_holiday(day)

    def session(self, day: date) -> SessionTimes | None:
        """The ladder of `day`; None on a day without trading.

        Raises:
            ValueError: The day trades, but lies before the first row of default times.
        """
        if not self.is_trading_day(day):
            return None
        if day in self._special:
            return self._special[day].on(day)
        rows = [row for first_day, row in self._default_rows if first_day <= day]
        if not rows:
            raise ValueError(f"no session times for {day}: the first row begins on {self._default_rows[0][0]}")
        return rows[-1].on(day)

    def knows_year(self, year: int) -> bool:
        """Whether any closed day of the year is known; where none is, every weekday counts as a trading day."""
        if any(day.year == year for day in self._extra_holidays):
            return True
        days = (date(year, 1, 1) + timedelta(days=offset) for offset in range(366))
        return any(self._is_exchange_holiday(day) for day in days if day.year == year)


def shortened(session: SessionTimes, last_bar_end: datetime) -> SessionTimes:
    """The ladder of a recorded day that ends before its close: every step moves ahead of the last bar.

    No new entries 30, session end 15 and time exit 10 minutes before it; no step comes later than on the full day, none
    before the open. A day that is recorded to its close keeps its ladder.

    Args:
        session: Ladder of the full day.
        last_bar_end: End (exclusive) of the last recorded bar.

    Source: REQUIREMENTS 2.
    """
    if last_bar_end >= session.closes_at:
        return session

    def moved(usual: datetime, before_end: timedelta) -> datetime:
        return max(min(usual, last_bar_end - before_end), session.opens_at)

    still_from = session.index_still_from
    no_new_entries_at = moved(session.no_new_entries_at, NO_NEW_ENTRIES_BEFORE_END)
    return SessionTimes(
        opens_at=session.opens_at,
        entries_from=min(session.entries_from, no_new_entries_at),
        no_new_entries_at=no_new_entries_at,
        session_end_at=moved(session.session_end_at, SESSION_END_BEFORE_END),
        time_exit_at=moved(session.time_exit_at, TIME_EXIT_BEFORE_END),
        closes_at=max(last_bar_end, session.opens_at),
        index_still_from=still_from if still_from and still_from < last_bar_end else None,
    )


def phase(at: datetime, session: SessionTimes | None) -> SessionPhase:
    """The phase of the day at `at`; CLOSED on a day without a session, before the open and from the close on.

    Source: REQUIREMENTS 2.
    """
    if session is None or not session.opens_at <= at < session.closes_at:
        return SessionPhase.CLOSED
    if at < session.entries_from:
        return SessionPhase.PRE_ENTRY
    if at < session.no_new_entries_at:
        return SessionPhase.ENTRY
    if at < session.session_end_at:
        return SessionPhase.NO_NEW_ENTRIES
    return SessionPhase.SESSION_END if at < session.time_exit_at else SessionPhase.TIME_EXIT


_REFUSALS = {
    SessionPhase.CLOSED: EntryRefusal.MARKET_CLOSED,
    SessionPhase.PRE_ENTRY: EntryRefusal.BEFORE_ENTRY_WINDOW,
    SessionPhase.NO_NEW_ENTRIES: EntryRefusal.NO_NEW_ENTRIES_AFTER,
    SessionPhase.SESSION_END: EntryRefusal.AFTER_ENTRY_WINDOW,
    SessionPhase.TIME_EXIT: EntryRefusal.AFTER_ENTRY_WINDOW,
}


class EntryVerdict(NamedTuple):
    """Whether the clock allows an entry; the reason is None exactly when it does."""

    is_allowed: bool
    reason: EntryRefusal | None


def entry_allowed(at: datetime, session: SessionTimes | None) -> EntryVerdict:
    """Whether a position may be opened at `at`, as far as the clock is concerned.

    Source: REQUIREMENTS 2 and 12.2, rows 2 and 3.
    """
    reason = _REFUSALS.get(phase(at, session))
    return EntryVerdict(reason is None, reason)


class ForceExit(msgspec.Struct, frozen=True, kw_only=True):
    """Whether time alone ends every open position.

    Attributes:
        is_due: The session end has come.
        reason: SESSION_END, later TIME_EXIT; None while not due.
        seconds_left: Whole seconds to the session end, rounded up; 0 once due and on a day without a session.
    """

    is_due: bool
    reason: ExitReason | None
    seconds_left: int


def force_exit(at: datetime, session: SessionTimes | None) -> ForceExit:
    """The exit that time demands at `at`; it stays due after the close, when `phase` says that no order can be placed.

    On a day without a session nothing is due: nothing can be sold.

    Source: REQUIREMENTS 2, 9.2 rows 2 and 3.
    """
    if session is None:
        return ForceExit(is_due=False, reason=None, seconds_left=0)
    if at >= session.session_end_at:
        reason = ExitReason.TIME_EXIT if at >= session.time_exit_at else ExitReason.SESSION_END
        return ForceExit(is_due=True, reason=reason, seconds_left=0)
    seconds_left = -((at - session.session_end_at) // timedelta(seconds=1))
    return ForceExit(is_due=False, reason=None, seconds_left=seconds_left)
