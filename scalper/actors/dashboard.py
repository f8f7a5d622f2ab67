"""What people see: the newest state of everything, as told by others.

Owns: nothing but a picture.
Receives: positions, marks, signals, refusals, trading state, alerts, Pulse, GetDashboard (people).
Sends: nothing; answers GetDashboard.
Recovers from: PositionTracker's snapshot.
Limits: its mailbox drops what is old when it is full; it can never delay a trade.
"""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime

import msgspec

from scalper.actors.messages.feed import FeedHealthChanged, IndexTicks
from scalper.actors.messages.positions import (
    PositionCancelled,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    PositionPending,
    PositionSnapshot,
    PositionTrailed,
    ReportPositions,
    WalletChanged,
)
from scalper.actors.messages.risk import Alert, GetDashboard, TradingStateChanged
from scalper.actors.messages.signals import SignalEvaluated, SignalPublished, TradeIntentRejected
from scalper.domain.positions import Position, Wallet
from scalper.domain.signals import TradeIntent
from scalper.domain.trading_state import TradingState
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse
from scalper.runtime.lifecycle import ChildGaveUp, ChildRestarted

#: Lines of news that are kept.
NEWS_KEPT = 8


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything.

    Attributes:
        positions: Open and closed of today, by id.
        marks: Last mark of each open position.
        index_ltp_paise: By instrument key.
        first_spoken: When both timeframes first could speak, by index key.
    """

    at: datetime | None
    state: TradingState
    causes: tuple[str, ...]
    is_feed_fresh: bool
    positions: tuple[Position, ...]
    marks: dict[int, PositionTrailed]
    wallet: Wallet | None
    index_ltp_paise: dict[str, int]
    evaluated: dict[str, SignalEvaluated]
    first_spoken: dict[str, datetime]
    signals: int
    refusals: dict[str, int]
    last_refusal: TradeIntent | None
    news: tuple[str, ...]


class Dashboard(Actor):
    """Collects."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._at: datetime | None = None
        self._state = TradingState.ACTIVE
        self._causes: tuple[str, ...] = ()
        self._is_feed_fresh = True
        self._positions: dict[int, Position] = {}
        self._marks: dict[int, PositionTrailed] = {}
        self._wallet: Wallet | None = None
        self._index_ltp: dict[str, int] = {}
        self._evaluated: dict[str, SignalEvaluated] = {}
        self._first_spoken: dict[str, datetime] = {}
        self._signals = 0
        self._refusals: Counter[str] = Counter()
        self._last_refusal: TradeIntent | None = None
        self._news: deque[str] = deque(maxlen=NEWS_KEPT)

    def recover(self, at: datetime) -> None:
        self.hold_for("position_tracker", ReportPositions(at=at, reply_to=self.name))

    @receives(PositionSnapshot)
    def on_snapshot(self, snapshot: PositionSnapshot) -> None:
        for position in (*snapshot.closed_today, *snapshot.open_positions):
            self._positions[position.id] = position
        for wallet in snapshot.wallets:
            self._wallet = wallet
        self.resume()

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        self._at = pulse.at

    @receives(IndexTicks)
    def on_index_ticks(self, message: IndexTicks) -> None:
        for tick in message.ticks:
            self._index_ltp[tick.key] = tick.ltp_paise

    @receives(SignalEvaluated)
    def on_evaluated(self, evaluated: SignalEvaluated) -> None:
        self._evaluated[evaluated.index_key] = evaluated
        readings = (evaluated.primary, evaluated.confirmation)
        if all(reading is None or reading.adx is not None for reading in readings):
            self._first_spoken.setdefault(evaluated.index_key, evaluated.at)

    @receives(SignalPublished)
    def on_signal(self, published: SignalPublished) -> None:
        self._signals += 1

    @receives(TradeIntentRejected)
    def on_refused(self, rejected: TradeIntentRejected) -> None:
        self._refusals[rejected.intent.reason] += 1
        self._last_refusal = rejected.intent

    @receives(PositionPending, PositionOpened, PositionChanged, PositionClosed, PositionCancelled)
    def on_position(
        self,
        message: PositionPending | PositionOpened | PositionChanged | PositionClosed | PositionCancelled,
    ) -> None:
        self._positions[message.position.id] = message.position
        if not message.position.is_open:
            self._marks.pop(message.position.id, None)

    @receives(PositionTrailed)
    def on_trailed(self, trailed: PositionTrailed) -> None:
        self._marks[trailed.position_id] = trailed

    @receives(WalletChanged)
    def on_wallet(self, changed: WalletChanged) -> None:
        self._wallet = changed.wallet

    @receives(TradingStateChanged)
    def on_state(self, changed: TradingStateChanged) -> None:
        self._state, self._causes = changed.state, changed.causes

    @receives(FeedHealthChanged)
    def on_feed_health(self, changed: FeedHealthChanged) -> None:
        self._is_feed_fresh = changed.is_fresh

    @receives(Alert)
    def on_alert(self, alert: Alert) -> None:
        self._news.append(f"{alert.at:%H:%M:%S} {alert.level} {alert.text}")

    @receives(ChildRestarted)
    def on_child_restarted(self, restarted: ChildRestarted) -> None:
        super().on_child_restarted(restarted)
        self._news.append(f"{restarted.at:%H:%M:%S} WARNING {restarted.name} was restarted: {restarted.text}")

    @receives(ChildGaveUp)
    def on_gave_up(self, gave_up: ChildGaveUp) -> None:
        self._news.append(f"{gave_up.at:%H:%M:%S} ERROR {gave_up.name} stays down: {gave_up.text}")

    @receives(GetDashboard)
    def on_asked(self, query: GetDashboard) -> Picture:
        return Picture(
            at=self._at,
            state=self._state,
            causes=self._causes,
            is_feed_fresh=self._is_feed_fresh,
            positions=tuple(self._positions[key] for key in sorted(self._positions)),
            marks=dict(self._marks),
            wallet=self._wallet,
            index_ltp_paise=dict(self._index_ltp),
            evaluated=dict(self._evaluated),
            first_spoken=dict(self._first_spoken),
            signals=self._signals,
            refusals=dict(self._refusals),
            last_refusal=self._last_refusal,
            news=tuple(self._news),
        )
