"""The exit rules' numbers: what a trader configures, as integers that compare exactly.

Source: REQUIREMENTS 9.3-9.6, 15.2, 16.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

import msgspec

from scalper.domain.units import BPS

_BELOW_THE_WHOLE_PRICE = ("stop_loss_bps", "exit_drop_bps", "per_trade_risk_bps")
_ABOVE_ZERO = (
    "exit_drop_bps",
    "per_trade_risk_bps",
    "breakeven_after_gain_bps",
    "peak_drawdown_bps",
    "circuit_limit_bps",
)


class TrailingMode(StrEnum):
    """Which rules may raise a stop; under BOTH the tightest wins."""

    BOTH = "both"
    DYNAMIC = "dynamic"
    TIERED = "tiered"


class ExitRules(msgspec.Struct, frozen=True, kw_only=True):
    """How positions are left. Every share is in basis points: 5 percent points are 500.

    Attributes:
        stop_loss_bps: Loss of the entry price at which a position is left; 0 or less = no stop.
        take_profit_bps: Gain of the entry price at which it is left; 0 or less = no target.
        is_per_trade_exit_on: Whether `per_trade_risk_bps` ends a position (it would defeat the stop loss).
        per_trade_risk_bps: Loss as a share of what was invested.
        breakeven_after_gain_bps: Gain that arms the dynamic trail and moves the stop to the entry.
        exit_drop_bps: How far below the high water mark the dynamic trail follows.
        trailing_mode: Which rules raise the stop.
        tiers: (gain reached, stop's offset from the entry) ascending by gain.
        peak_drawdown_bps: Fall from the peak, in points of the entry price, that ends a position.
        peak_activation_profit_bps: Peak from which the drawdown rule counts while the gate is on.
        peak_activation_offset_bps: Offset of the stop in force from which it counts while the gate is on.
        is_peak_gate_on: Whether both activation limits must be met.
        min_profit_lock_paise: Profit the position must have made as well before the trail arms; 0 = none.
        min_profit_paise: A profit above 0 and below this is spared by the time exit; 0 = never spared.
        circuit_limit_bps: Loss of the day, as a share of its starting balance, that trips the circuit.

    Raises:
        ValueError: The tiers do not ascend, or a share is outside what a price can do.
    """

    stop_loss_bps: int = 3000
    take_profit_bps: int = 6000
    is_per_trade_exit_on: bool = False
    per_trade_risk_bps: int = 100
    breakeven_after_gain_bps: int = 1000
    exit_drop_bps: int = 300
    trailing_mode: TrailingMode = TrailingMode.BOTH
    tiers: tuple[tuple[int, int], ...] = (
        (500, -1500),
        (1000, -500),
        (1500, 0),
        (2500, 1000),
        (4000, 2000),
        (6000, 3000),
        (8000, 4000),
        (12_000, 6000),
    )
    peak_drawdown_bps: int = 500
    peak_activation_profit_bps: int = 2500
    peak_activation_offset_bps: int = 1000
    is_peak_gate_on: bool = True
    min_profit_lock_paise: int = 0
    min_profit_paise: int = 0
    circuit_limit_bps: int = 600

    def __post_init__(self) -> None:
        if any(low[0] >= high[0] for low, high in pairwise(self.tiers)):
            raise ValueError(f"tiers must ascend by gain, got {self.tiers}")
        if any(offset >= gain for gain, offset in self.tiers):
            raise ValueError(f"a tier's stop must lie below the gain that sets it, got {self.tiers}")
        for name in _BELOW_THE_WHOLE_PRICE:
            if getattr(self, name) >= BPS:
                raise ValueError(f"{name} must be below {BPS}, the whole price, got {getattr(self, name)}")
        for name in _ABOVE_ZERO:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
