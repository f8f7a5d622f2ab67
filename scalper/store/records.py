"""Rows that are no domain values: days, accounts, balances, trips, settings.

Source: REQUIREMENTS 14.1, 15.2, 17.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One user at one broker, live or paper."""

    id: str
    broker: str
    mode: str
    is_enabled: bool
    created_at: datetime


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A value that outlives a day, by name; text or JSON text."""

    key: str
    value: str


class DayState(StrEnum):
    """RUNNING until the day's summary is stored; a RUNNING day found at start is resumed."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One trading day of this database and the run that works on it.

    Attributes:
        market, market_name: Kind and name of the market played; `live` of the real one.
        seed: Seed of everything made up.
        config_hash: Of the configuration the day was first opened with.
        started_count: How often a process has opened the day, from 1.
        summary: JSON text, empty until FINISHED.
        last_at: Latest time the application has marked; never falls.
    """

    day: date
    market: str
    market_name: str
    seed: int
    mode: str
    config_hash: str
    opened_at: datetime
    last_at: datetime
    state: DayState = DayState.RUNNING
    started_count: int = 1
    summary: str = ""


class StartingBalance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account had when its day began; captured once and kept.

    Attributes:
        is_estimated: Captured after trades were made: balance minus the day's realised result.
    """

    account_id: str
    day: date
    starting_balance_paise: int
    is_estimated: bool
    captured_at: datetime


class CircuitTrip(msgspec.Struct, frozen=True, kw_only=True):
    """The day's limit was reached: no entries before the next trading day.

    Attributes:
        loss_bps: Day's loss in basis points of the starting balance.
        limits: JSON text of the limits in force and the figures that met them.
    """

    account_id: str
    day: date
    reason: str
    at: datetime
    loss_bps: int
    limits: str


class CarriedResult(msgspec.Struct, frozen=True, kw_only=True):
    """Net result of closed positions of an account that this database does not hold, all exited before `before_day`."""

    account_id: str
    before_day: date
    net_paise: int
