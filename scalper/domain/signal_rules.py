"""How the direction of one index is decided: timeframes, indicator settings, gates.

Source: REQUIREMENTS 6.2, 7.2, 14.1.
"""

from __future__ import annotations

import msgspec

from scalper.domain.direction import TimeframeAnalysis
from scalper.domain.indicators.atr import AtrMode

#: ADX and its DIs are always of this period (REQUIREMENTS 6.1).
ADX_PERIOD = 14


class SignalRules(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one index, overrides resolved.

    Attributes:
        primary_minutes: Length of a primary candle.
        confirmation_minutes: Length of a confirming candle; 0 when none is configured.
        adx_minimum_primary, adx_minimum_confirmation: ADX points; 0 = gate off.
    """

    primary_minutes: int
    confirmation_minutes: int
    supertrend_period: int
    supertrend_multiplier: float
    atr_mode: AtrMode
    adx_minimum_primary: float
    adx_minimum_confirmation: float

    @property
    def confluence_type(self) -> str:
        """What a signal of these rules is called: `ST_ADX_1M_5M`."""
        parts = ["ST_ADX", f"{self.primary_minutes}M"]
        if self.confirmation_minutes:
            parts.append(f"{self.confirmation_minutes}M")
        return "_".join(parts)


def analysis_of(rules: SignalRules, *, is_primary: bool) -> TimeframeAnalysis:
    """A fresh analysis of one of the two timeframes."""
    return TimeframeAnalysis(
        interval_minutes=rules.primary_minutes if is_primary else rules.confirmation_minutes,
        period=rules.supertrend_period,
        multiplier=rules.supertrend_multiplier,
        atr_mode=rules.atr_mode,
        adx_period=ADX_PERIOD,
        adx_minimum=rules.adx_minimum_primary if is_primary else rules.adx_minimum_confirmation,
    )
