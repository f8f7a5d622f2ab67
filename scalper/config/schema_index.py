"""Keys of the indices and of the signals: types in house units, limits, defaults."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal, TypeVar

import msgspec

from scalper.config.kinds import CountFromOne, Fraction, Real, Rupees, Whole
from scalper.config.words import Clock, Day, Flag, OnlyFalse, Rows, Text

_T = TypeVar("_T")

CooldownScope = Literal["symbol", "index_side"]
ExpiryPolicy = Literal["weekly", "monthly"]
AtrMode = Literal["adaptive", "wilder"]
IndexKey = Literal["NIFTY", "BANKNIFTY", "SENSEX"]
PrimaryTimeframe = Literal["1m", "2m", "3m", "5m", "10m", "15m", "30m", "1h"]
ConfirmationTimeframe = Literal["", "1m", "2m", "3m", "5m", "10m", "15m", "30m", "1h"]

#: A day far enough back to mean "always".
ALWAYS = date(1, 1, 1)


class IndexSupertrendConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides of `signals.supertrend` for one index; None = not overridden."""

    multiplier: Annotated[float | None, Real(low=0.1, high=20)] = None
    period: Annotated[int | None, Whole(low=2, high=200)] = None


class IndexAdxConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Override of `signals.adx.min_strength` for one index; None = not overridden, 0 = gate off."""

    min_strength: Annotated[float | None, Real(low=0, high=100)] = None


class AdxThresholdsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides of both ADX minima for one index; the primary one goes before `adx.min_strength`."""

    primary_min_strength: Annotated[float | None, Real(low=0, high=100)] = None
    confirmation_min_strength: Annotated[float | None, Real(low=0, high=100)] = None


class IndexTradeLimitsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trades of one index in a day; None = no limit. Source: REQUIREMENTS 15.1."""

    trades_per_day_max: Annotated[int | None, Whole(low=1, high=1_000, key="max_trades_per_day")] = None


class ExpiryPolicyRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From this day on the policy holds, up to the next row's day."""

    from_day: Annotated[date, Day(key="from")] = ALWAYS
    policy: ExpiryPolicy


class IndexConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One index and the rules of its own. Source: REQUIREMENTS 3.1, 7.2, 10.1, 10.2, 12.4, 15.1, 15.3.

    Attributes:
        security_id: The broker's id of the index.
        allocation_bps: Replaces the band's allocation; None = the band holds.
        same_side_max: Positions of one side at the same time.
        cooldown_s: Pause after a close; 0 = off. Exactly that long is long enough.
        expiry_policy: Rows by date, ascending; the first holds for earlier days too.
        strike_interval_fallback_paise: Gap of strikes where the chain does not show it.
    """

    key: IndexKey
    segment: Literal["IDX_I"] = "IDX_I"
    security_id: Annotated[str, Text(form="[1-9][0-9]{0,9}", words="a security id of 1 to 10 digits", key="sid")]
    is_enabled: Annotated[bool, Flag(key="enabled")] = True
    allocation_bps: Annotated[int | None, Fraction(low=0, high=1, key="capital_alloc_pct")] = None
    same_side_max: Annotated[int, CountFromOne(high=3, key="max_same_side")] = 1
    cooldown_s: Annotated[int, Whole(low=0, high=86_400, key="cooldown_sec", blank=0)] = 180
    cooldown_scope: CooldownScope = "symbol"
    supertrend: IndexSupertrendConfig = IndexSupertrendConfig()
    adx: IndexAdxConfig = IndexAdxConfig()
    adx_thresholds: AdxThresholdsConfig = AdxThresholdsConfig()
    trade_limits: IndexTradeLimitsConfig = IndexTradeLimitsConfig()
    expiry_policy: Annotated[tuple[ExpiryPolicyRow, ...], Rows(alone="policy")] = (ExpiryPolicyRow(policy="weekly"),)
    is_expiry_day_allowed: Annotated[bool, Flag(key="allow_expiry_day")] = True
    strike_interval_fallback_paise: Annotated[int, Rupees(low=1, high=10_000, key="strike_interval_fallback")]

    def expiry_policy_on(self, day: date) -> ExpiryPolicy:
        """The policy of a day."""
        begun = [row.policy for row in self.expiry_policy if row.from_day <= day]
        return begun[-1] if begun else self.expiry_policy[0].policy


#: The indices there are, with the defaults of each; a row of a file fills its gaps from here by its key.
DEFAULT_INDICES: tuple[IndexConfig, ...] = (
    IndexConfig(
        key="NIFTY",
        security_id="13",
        trade_limits=IndexTradeLimitsConfig(trades_per_day_max=3),
        strike_interval_fallback_paise=50_00,
    ),
    IndexConfig(
        key="BANKNIFTY",
        security_id="25",
        trade_limits=IndexTradeLimitsConfig(trades_per_day_max=1),
        expiry_policy=(
            ExpiryPolicyRow(policy="weekly"),
            ExpiryPolicyRow(from_day=date(2024, 11, 14), policy="monthly"),
        ),
        strike_interval_fallback_paise=100_00,
    ),
    IndexConfig(
        key="SENSEX",
        security_id="51",
        trade_limits=IndexTradeLimitsConfig(trades_per_day_max=2),
        strike_interval_fallback_paise=100_00,
    ),
)


class SupertrendConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Supertrend of both timeframes. Source: REQUIREMENTS 6.2."""

    period: Annotated[int, Whole(low=2, high=200)] = 10
    multiplier: Annotated[float, Real(low=0.1, high=20, key="base_multiplier", aliases=("multiplier",))] = 3.0
    adaptive: Annotated[bool, OnlyFalse(reason="the adaptive multiplier is not built yet")] = False
    atr_mode: AtrMode = "adaptive"


class AdxConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ADX gates; 0 = off; confirmation None = the same as `min_strength`. Source: REQUIREMENTS 7.2."""

    min_strength: Annotated[float, Real(low=0, high=100)] = 18.0
    confirmation_min_strength: Annotated[float | None, Real(low=0, high=100)] = 20.0


class SignalsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When and how a direction is decided; confirmation timeframe "" = none. Source: REQUIREMENTS 2, 7."""

    primary_timeframe: PrimaryTimeframe = "1m"
    confirmation_timeframe: ConfirmationTimeframe = "5m"
    no_new_entries_after: Annotated[time, Clock()] = time(15, 0)
    supertrend: SupertrendConfig = SupertrendConfig()
    adx: AdxConfig = AdxConfig()


class SignalRules(msgspec.Struct, frozen=True, kw_only=True):
    """What decides the direction of one index, overrides resolved.

    Attributes:
        adx_minimum_primary, adx_minimum_confirmation: ADX points; 0 = gate off.
    """

    supertrend_period: int
    supertrend_multiplier: float
    atr_mode: AtrMode
    adx_minimum_primary: float
    adx_minimum_confirmation: float


def signal_rules(index: IndexConfig, signals: SignalsConfig) -> SignalRules:
    """The overrides of an index over the rules of all indices. Source: REQUIREMENTS 7.2."""
    thresholds = index.adx_thresholds
    return SignalRules(
        supertrend_period=_first(index.supertrend.period, signals.supertrend.period),
        supertrend_multiplier=_first(index.supertrend.multiplier, signals.supertrend.multiplier),
        atr_mode=signals.supertrend.atr_mode,
        adx_minimum_primary=_first(thresholds.primary_min_strength, index.adx.min_strength, signals.adx.min_strength),
        adx_minimum_confirmation=_first(
            thresholds.confirmation_min_strength, signals.adx.confirmation_min_strength, signals.adx.min_strength
        ),
    )


def _first(*values: _T | None) -> _T:
    """The first value that is given; the last one always is."""
    return next(value for value in values if value is not None)
