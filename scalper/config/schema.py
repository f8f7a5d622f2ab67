"""Every key of the configuration: its type in house units, its limits and its default.

The structs hold what the program computes with: paise, basis points, milliseconds, `datetime.time`. The kind in a
field's annotation names the key in YAML where it differs and converts, once, at load (`sl_pct: 0.30` becomes
`stop_loss_bps = 3000`). A field without a kind takes it from its type: bool, a closed list of words, a section.
Only what the program uses is here: a key without effect is refused as unknown.

Source: REQUIREMENTS 16, 1.1; lessons C-27, C-28, C-30.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal, cast

import msgspec

from scalper.config.kinds import (
    Address,
    Choice,
    Clock,
    CountFromOne,
    Day,
    Flag,
    Fraction,
    OnlyFalse,
    Points,
    Real,
    Rows,
    Rupees,
    Seconds,
    Text,
    Whole,
)

Mode = Literal["watch", "paper"]
OrderStyle = Literal["protected_limit", "market"]
CooldownScope = Literal["symbol", "index_side"]
ExpiryPolicy = Literal["weekly", "monthly"]
AtrMode = Literal["adaptive", "wilder"]
TrailingMode = Literal["both", "dynamic", "tiered"]
RiskUnit = Literal["lots"]
IndexKey = Literal["NIFTY", "BANKNIFTY", "SENSEX"]
PrimaryTimeframe = Literal["1m", "2m", "3m", "5m", "10m", "15m", "30m", "1h"]
ConfirmationTimeframe = Literal["", "1m", "2m", "3m", "5m", "10m", "15m", "30m", "1h"]

#: A day far enough back to mean "always".
ALWAYS = date(1, 1, 1)

_DAY_S = 86_400


class AccountConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One user at one broker; only one paper account is there yet.

    Attributes:
        capital_paise: Balance at its start; None = `paper.balance`.
    """

    id: Annotated[str, Text(form="[a-z][a-z0-9_-]{0,19}", words="1 to 20 of a-z, 0-9, - and _, a letter first")]
    mode: Annotated[Literal["paper"], Choice(refused=(("live", "live trading is not built yet"),))] = "paper"
    is_enabled: Annotated[bool, Flag(key="enabled")] = True
    capital_paise: Annotated[int | None, Rupees(low=0, high=1_000_000_000, key="capital")] = None


class PaperConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paper broker. Source: REQUIREMENTS 13.3."""

    balance_paise: Annotated[int, Rupees(low=0, high=1_000_000_000, key="balance")] = 100_000_00
    latency_ms: Annotated[int, Whole(low=0, high=60_000)] = 150
    slippage_ticks: Annotated[int, Whole(low=0, high=1_000)] = 0
    max_size_lots: Annotated[int, Whole(low=1, high=10_000)] = 20
    quote_max_age_s: Annotated[int, Whole(low=1, high=3_600)] = 10


class OrdersConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How orders are written and settled. Source: REQUIREMENTS 13.1, 13.2."""

    style: OrderStyle = "protected_limit"
    cushion_ticks: Annotated[int, Whole(low=0, high=1_000)] = 10
    settle_s: Annotated[int, Whole(low=1, high=300)] = 5
    correlation_chars_max: Annotated[int, Whole(low=12, high=25, key="correlation_max_len")] = 25


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
    cooldown_s: Annotated[int, Whole(low=0, high=_DAY_S, key="cooldown_sec", blank=0)] = 180
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


class TradeLimitsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trades of all indices in a day; None = no limit. Source: REQUIREMENTS 15.1."""

    trades_per_day_max: Annotated[int | None, Whole(low=1, high=10_000, key="global_max_trades_per_day")] = 8


class SupertrendConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Supertrend of both timeframes. Source: REQUIREMENTS 6.2."""

    period: Annotated[int, Whole(low=2, high=200)] = 10
    multiplier: Annotated[float, Real(low=0.1, high=20, key="base_multiplier")] = 3.0
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


class EntryConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Price checks of the entry guard. Source: REQUIREMENTS 12.2, 12.3."""

    index_ltp_age_s_max: Annotated[int, Whole(low=1, high=300, key="index_ltp_max_age_sec")] = 5
    option_ltp_age_s_max: Annotated[int, Whole(low=1, high=300, key="option_ltp_max_age_sec")] = 5
    ltp_wait_ms: Annotated[int, Whole(low=0, high=10_000)] = 300
    price_move_bps_max: Annotated[int, Points(low=0, high=100, key="max_price_move_pct")] = 500


class SizingConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many lots. Source: REQUIREMENTS 11.2."""

    risk_unit: Annotated[
        RiskUnit,
        Choice(refused=(("legacy_shares", "it multiplies a count of shares by the lot size, far above the risk set"),)),
    ] = "lots"
    risk_floor_one_lot: bool = True
    allow_min_lot_over_cap: bool = False
    lots_max: Annotated[int, Whole(low=1, high=10_000, key="max_lots")] = 100


class CapitalConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides of the capital bands, None = the band holds. Source: REQUIREMENTS 11.1."""

    allocation_bps: Annotated[int | None, Fraction(low=0, high=1, key="alloc_pct")] = None
    risk_per_trade_bps: Annotated[int | None, Fraction(low=0, high=1, key="risk_per_trade_pct")] = None
    daily_loss_bps_max: Annotated[int | None, Fraction(low=0, high=1, key="daily_max_loss_pct")] = None


class TrailingConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stops run: the dynamic trail, the tiers, or both (the tightest wins). Source: REQUIREMENTS 9.5."""

    mode: TrailingMode = "both"


class TrailingTier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From this profit on the stop stands at least at this offset from the entry price."""

    trigger_bps: Annotated[int, Points(low=0, high=10_000, key="trigger_pct")]
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


class FeatureFlagsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules that can be switched as a whole."""

    is_peak_drawdown_gated: Annotated[bool, Flag(key="enable_peak_drawdown_activation")] = True


class PnlConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Flushing of live P&L. Source: REQUIREMENTS 8."""

    flush_interval_ms: Annotated[int, Seconds(low=0.01, high=60, key="flush_interval_sec")] = 250
    batch_max: Annotated[int, Whole(low=1, high=10_000, key="max_batch")] = 200
    db_sync_s: Annotated[int, Whole(low=1, high=3_600, key="db_sync_sec")] = 30
    redis_ttl_s: Annotated[int, Whole(low=60, high=7 * _DAY_S, key="redis_ttl_sec")] = 21_600


class SmsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signal management: pause before a failed exit may be tried again. Source: REQUIREMENTS 14.5."""

    exit_rearm_cooldown_s: Annotated[int, Whole(low=0, high=600, key="exit_rearm_cooldown_sec")] = 5


class MessageLogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where letters are logged and how long they stay; folder None = `log` in the home. Source: REQUIREMENTS 21."""

    folder: Annotated[str | None, Text(form=".+", words="a folder", key="dir")] = None
    fsync_ms: Annotated[int, Whole(low=0, high=10_000)] = 200
    rotate_mb: Annotated[int, Whole(low=1, high=4_096)] = 64
    retention_days: Annotated[int, Whole(low=1, high=36_500)] = 1_825


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


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration of a run; never changes while it runs.

    Attributes:
        mode: `watch` runs signals and gates to the verdict and places nothing.
        open_positions_max: Of all indices together; 0 = off.
        database_url: None = a SQLite file in the home.
        redis_url: None = a cache inside the process.
    """

    mode: Annotated[Mode, Choice(refused=(("live", "live trading is not built yet"),))] = "paper"
    accounts: Annotated[tuple[AccountConfig, ...], Rows(name="id")] = (AccountConfig(id="paper"),)
    paper: PaperConfig = PaperConfig()
    orders: OrdersConfig = OrdersConfig()
    indices: Annotated[tuple[IndexConfig, ...], Rows(name="key")] = DEFAULT_INDICES
    trade_limits: TradeLimitsConfig = TradeLimitsConfig()
    open_positions_max: Annotated[int, Whole(low=0, high=1_000, key="max_open_positions")] = 0
    signals: SignalsConfig = SignalsConfig()
    entry: EntryConfig = EntryConfig()
    sizing: SizingConfig = SizingConfig()
    capital: CapitalConfig = CapitalConfig()
    risk: RiskConfig = RiskConfig()
    feature_flags: FeatureFlagsConfig = FeatureFlagsConfig()
    pnl: PnlConfig = PnlConfig()
    sms: SmsConfig = SmsConfig()
    message_log: MessageLogConfig = MessageLogConfig()
    database_url: Annotated[str | None, Address(schemes=("postgresql", "postgres", "sqlite"))] = None
    redis_url: Annotated[str | None, Address(schemes=("redis", "rediss", "unix"))] = None

    def index(self, index_key: str) -> IndexConfig:
        """The rules of one index.

        Raises:
            KeyError: The index is not configured.
        """
        found = {index.key: index for index in self.indices}
        return found[cast(IndexKey, index_key)]
