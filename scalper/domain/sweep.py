"""When the risk loop looks at everything it holds, ticks or not.

Source: REQUIREMENTS 9.1.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from scalper.domain.calendar import SessionTimes
from scalper.domain.exits import loop_interval_ms


def is_sweep_due(
    last: datetime | None, at: datetime, session: SessionTimes, held: int, *, active_ms: int, idle_ms: int
) -> bool:
    """After the interval of the loop, and at the first moment after a step of the session's ladder.

    Args:
        last: When everything was last looked at; None = never.
        at: Now.
        session: Of the day.
        held: Open positions.
        active_ms, idle_ms: Interval with positions, and without.
    """
    if last is None:
        return True
    if any(last < step <= at for step in (session.session_end_at, session.time_exit_at)):
        return True
    is_open = session.opens_at <= at < session.closes_at
    wait_ms = loop_interval_ms(held, is_market_open=is_open, active_ms=active_ms, idle_ms=idle_ms)
    return at - last >= timedelta(milliseconds=wait_ms)
