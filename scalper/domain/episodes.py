"""Whether a rule may claim an exit once more: one exit in flight, and a wait after a failed one.

Source: REQUIREMENTS 14.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from scalper.domain.positions import PositionStatus
from scalper.domain.reasons import ExitReason
from scalper.domain.signals import LIVE_INTENT_STATUSES, IntentStatus

#: After a failed exit for one of these the next may be tried at once, but for one second.
HARD_REASONS = frozenset(
    {
        ExitReason.KILL_SWITCH,
        ExitReason.MANUAL,
        ExitReason.TIME_EXIT,
        ExitReason.SESSION_END,
        ExitReason.CIRCUIT_BREAKER,
        ExitReason.STOP_LOSS,
    }
)

#: The wait of a hard reason.
HARD_REARM_MS = 1000

_UNSUCCESSFUL = frozenset({IntentStatus.REJECTED, IntentStatus.FAILED})


def rearm_wait_ms(reason: ExitReason, default_s: float) -> int:
    """How long after a rejected or failed exit the same reason may not claim another, in milliseconds.

    Source: REQUIREMENTS 14.5.
    """
    return HARD_REARM_MS if reason in HARD_REASONS else round(default_s * 1000)


def may_claim_exit(status: PositionStatus, exit_intents: Iterable[IntentStatus]) -> bool:
    """Whether any rule may claim an exit: the position is held, and no exit of it, for whatever reason, is in flight.

    An order SENT or UNKNOWN keeps its intent in a live status.

    Source: REQUIREMENTS 14.5.
    """
    return status is PositionStatus.ACTIVE and LIVE_INTENT_STATUSES.isdisjoint(exit_intents)


def next_episode(
    last_episode: int,
    last_status: IntentStatus | None,
    last_updated_at: datetime | None,
    now: datetime,
    reason: ExitReason,
    default_s: float,
) -> int | None:
    """The number of the next claim of one reason on one position; None while it has to wait.

    Args:
        last_episode: Number of the latest claim of this reason; 0 = there was none.
        last_status: Status of the intent of that claim; None = there was none.
        last_updated_at: When that status was reached; None = there was none.
        now: The claim's moment, from its letter.
        reason: The rule that claims.
        default_s: `sms.exit_rearm_cooldown_sec`.

    Returns:
        1 for the first claim, else the last one's number plus 1. At exactly the wait a new claim is allowed.

    Source: REQUIREMENTS 14.5.
    """
    if last_status in LIVE_INTENT_STATUSES:
        return None
    if last_status in _UNSUCCESSFUL and last_updated_at is not None:
        wait = timedelta(milliseconds=rearm_wait_ms(reason, default_s))
        if now - last_updated_at < wait:
            return None
    return last_episode + 1
