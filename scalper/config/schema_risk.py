"""Keys of exits and of the limits of a day: types in house units, limits, defaults."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

import msgspec

from scalper.config.kinds import Fraction, Points, Rupees, Whole
from scalper.config.schema_index import IndexKey
from scalper.config.words import Clock, Flag, Rows

TrailingMode = Literal["both", "dynamic", "tiered"]


class TrailingConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stops run: the dynamic trail, the tiers, or both (the tightest wins). Source: REQUIREMENTS 9.5."""

    mode: TrailingMode = "both"


class TrailingTier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From this profit on the stop stands at least at this offset from the entry price."""

    trigger_bps: Annotated[int, Points(low=0, high=10_000, key="trigger_pct", aliases=("profit_pct",))]
    stop_offset_bps: Annotated[int, Points(low=-100, high=10_000, key="sl_offset_pct")]


def _tiers(*points: tuple[int, int]) -> tuple[TrailingTier, ...]:
    return tuple(TrailingTier(trigger_bps=at * 100, stop_offset_bps=to * 100) for at, to in points)


class IndexLossLimitsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Loss of a day by index, of the starting balance; None = no limit."""

    nifty_bps: Annotated[int | None, Fraction(low=0, high=1, key="NIFTY")] = 200
    banknifty_bps: Annotated[int | None, Fraction(low=0, high=1, key="BANKNIFTY")] = 400
    sensex_bps: Annotated[int | None, Fraction(low=0, high=1, key="SENSEX")] = 100

    def limit_bps(self, index_key: IndexKey) -> int | None:
        """The limit of one index."""
        limits = {"NIFTY": self.nifty_bps, "BANKNIFTY": self.banknifty_bps, "SENSEX": self.sensex_bps}
        return limits[index_key]


class DailyLimitsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Loss limits that stop entries; global None = the capital band's. Source: REQUIREMENTS 15.1."""

    is_enabled: Annotated[bool, Flag(key="enable")] = True
    per_index: IndexLossLimitsConfig = IndexLossLimitsConfig()
    global_limit_bps: Annotated[int | None, Fraction(low=0, high=1, key="global_limit_pct")] = 400


class RiskConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exits and the limits of a day. Source: REQUIREMENTS 9, 15.

    Attributes:
        stop_loss_bps, take_profit_bps: Of the entry price; 0 = that side is off.
        breakeven_after_gain_bps: Gain that moves the stop to the entry price and starts the trail.
        exit_drop_bps: Drop from the high water mark that exits.
        peak_drawdown_exit_bps: Percent points, as basis points, given back from the peak profit.
        session_end, time_exit: None = the calendar's row of the day.
        daily_loss_limit_bps: The circuit, of the starting balance.
        daily_loss_paise_max, global_daily_loss_paise_max: Of one index and of all; None = no limit in rupees.
    """

    stop_loss_bps: Annotated[int, Fraction(low=0, high=1, key="sl_pct")] = 3_000
    take_profit_bps: Annotated[int, Fraction(low=0, high=100, key="tp_pct")] = 6_000
    is_per_trade_exit_enabled: Annotated[bool, Flag(key="per_trade_exit_enabled")] = False
    per_trade_risk_bps: Annotated[int, Fraction(low=0, high=1, key="per_trade_risk_pct")] = 100
    breakeven_after_gain_bps: Annotated[int, Fraction(low=0, high=100, key="breakeven_after_gain")] = 1_000
    exit_drop_bps: Annotated[int, Fraction(low=0, high=1, key="exit_drop_pct")] = 300
    min_profit_lock_paise: Annotated[int, Rupees(low=0, high=1_000_000_000, key="min_profit_lock_rupees")] = 0
    min_profit_paise: Annotated[int, Rupees(low=0, high=1_000_000_000, key="min_profit_rupees")] = 0
    trailing: TrailingConfig = TrailingConfig()
    trailing_tiers: Annotated[tuple[TrailingTier, ...], Rows()] = _tiers(
        (5, -15), (10, -5), (15, 0), (25, 10), (40, 20), (60, 30), (80, 40), (120, 60)
    )
    peak_drawdown_exit_bps: Annotated[int, Points(low=0.01, high=1_000, key="peak_drawdown_exit_pct")] = 500
    peak_drawdown_activation_profit_bps: Annotated[
        int, Points(low=0, high=10_000, key="peak_drawdown_activation_profit_pct")
    ] = 2_500
    peak_drawdown_activation_stop_offset_bps: Annotated[
        int, Points(low=-100, high=10_000, key="peak_drawdown_activation_sl_offset_pct")
    ] = 1_000
    session_end: Annotated[time | None, Clock(key="session_end_hhmm")] = None
    time_exit: Annotated[time | None, Clock(key="time_exit_hhmm")] = None
    daily_loss_limit_bps: Annotated[int, Fraction(low=0.0001, high=1, key="daily_loss_limit_pct")] = 600
    daily_loss_paise_max: Annotated[int | None, Rupees(low=1, high=1_000_000_000, key="max_daily_loss_rupees")] = None
    global_daily_loss_paise_max: Annotated[
        int | None, Rupees(low=1, high=1_000_000_000, key="max_global_daily_loss_rupees")
    ] = None
    daily_limits: DailyLimitsConfig = DailyLimitsConfig()
    loop_interval_active_ms: Annotated[int, Whole(low=50, high=5_000, key="loop_interval_active")] = 500
    loop_interval_idle_ms: Annotated[int, Whole(low=50, high=60_000, key="loop_interval_idle")] = 5_000
