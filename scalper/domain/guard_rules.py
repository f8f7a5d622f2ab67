"""What the entry guard and the risk side of one day go by.

Source: REQUIREMENTS 2, 9, 11, 12, 15.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from scalper.domain.calendar import SessionTimes
from scalper.domain.capital import CapitalOverrides, SizingRules
from scalper.domain.entry import EntryLimits
from scalper.domain.exits import Situation
from scalper.domain.rules import ExitRules


class GuardRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard of one day goes by.

    Attributes:
        limits, index_allocation_bps: By index key.
        index_keys: Instrument key of each index that is in the master, by index key.
        is_watching: Gates run to the verdict and nothing is placed.
    """

    day: date
    session: SessionTimes
    limits: dict[str, EntryLimits]
    index_allocation_bps: dict[str, int | None]
    index_keys: dict[str, str]
    capital: CapitalOverrides
    sizing: SizingRules
    stop_loss_bps: int
    ltp_wait_ms: int
    is_watching: bool


class RiskRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the risk side of one day goes by; the loop rests for `active_ms` with positions, `idle_ms` without."""

    day: date
    session: SessionTimes
    exits: ExitRules
    rearm_s: int
    active_ms: int
    idle_ms: int

    def situation(self, at: datetime, *, is_circuit_tripped: bool) -> Situation:
        """What holds for every position of an account at one moment."""
        return Situation(
            at=at,
            session_end_at=self.session.session_end_at,
            time_exit_at=self.session.time_exit_at,
            is_circuit_tripped=is_circuit_tripped,
        )
