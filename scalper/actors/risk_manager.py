"""The one decider of exits, and the state of trading.

Owns: trading state, circuit, the day's tallies.
Receives: PositionTrailed, positions and their snapshot, fills, WalletChanged, answers to its claims, feed and child
    trouble, Pulse.
Sends: ExitCandidate; TradingStateChanged, CircuitTripped, DayTallyChanged; GetQuotes for a stale price; Alert.
Recovers from: PositionTracker's snapshot; starting balance and trips from its rows.
Limits: one claim a position until it is answered; a failed exit is claimed again after its cool-down, for ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from scalper.actors.messages.exits import (
    ExitCandidate,
    ExitCandidateDropped,
    ExitFailed,
    ExitFilled,
    ExitIntentRejected,
)
from scalper.actors.messages.feed import FeedHealthChanged, GetQuotes
from scalper.actors.messages.orders import OrderCancelled, OrderFilled, OrderPartiallyFilled, OrderReport
from scalper.actors.messages.positions import (
    PositionChanged,
    PositionClosed,
    PositionOpened,
    PositionSnapshot,
    PositionTrailed,
    ReportPositions,
    WalletChanged,
)
from scalper.actors.messages.risk import (
    Alert,
    CircuitTripped,
    DayTallyChanged,
    TradingStateChanged,
)
from scalper.domain.booking import caught_up
from scalper.domain.charges import ChargeTable
from scalper.domain.day_book import DayBook, day_verdict
from scalper.domain.exits import (
    ExitDecision,
    Mark,
    Situation,
    decide_exit,
    explain,
    is_price_fresh,
)
from scalper.domain.guard_rules import RiskRules
from scalper.domain.positions import Position, PositionStatus, Wallet
from scalper.domain.price_watch import PriceWatch, Step
from scalper.domain.sweep import is_sweep_due
from scalper.domain.tags import exit_tag
from scalper.domain.times import us_from
from scalper.domain.trading_state import trading_state_of
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse
from scalper.runtime.lifecycle import ChildGaveUp
from scalper.store.cache import Cache
from scalper.store.database import Store
from scalper.store.records import CircuitTrip, StartingBalance
from scalper.store.risk import RiskRepository

#: After so many failures of the exits of one position a person is called (REQUIREMENTS 13.5).
FAILURES_BEFORE_ALERT = 3


class _Held(msgspec.Struct):
    """One open position: its row, its last mark, and how its exits go."""

    position: Position
    marked: PositionTrailed | None = None
    is_claimed: bool = False
    retry_at: datetime | None = None
    failures: int = 0
    watch: PriceWatch = msgspec.field(default_factory=PriceWatch)


class RiskManager(Actor):
    """Asks the rule list at every mark, and sweeps everything it holds on its loop."""

    def __init__(
        self,
        link: Link,
        *,
        store: Store,
        cache: Cache,
        charges: ChargeTable,
        rules: RiskRules,
        accounts: tuple[str, ...],
    ) -> None:
        super().__init__(link)
        self._store = store
        self._rows = RiskRepository(store)
        self._cache = cache
        self._charges = charges
        self._rules = rules
        self._accounts = accounts
        self._held: dict[int, _Held] = {}
        self._books = {account: DayBook() for account in accounts}
        self._balances: dict[str, int] = {}
        self._tripped: set[str] = set()
        self._causes: dict[str, str] = {}
        self._swept_at: datetime | None = None

    def recover(self, at: datetime) -> None:
        for account in self._accounts:
            kept = self._rows.starting_balance(account, self._rules.day)
            if kept is not None:
                self._balances[account] = kept.starting_balance_paise
            if any(trip.reason == "circuit" for trip in self._rows.trips_of_day(account, self._rules.day)):
                self._tripped.add(account)
        self.hold_for("position_tracker", ReportPositions(at=at, reply_to=self.name))

    @receives(PositionSnapshot)
    def on_snapshot(self, snapshot: PositionSnapshot) -> None:
        for position in (*snapshot.closed_today, *snapshot.open_positions):
            self._books[position.account_id].take_in(position, self._rules.day)
            if position.status is PositionStatus.ACTIVE:
                self._held[position.id] = _Held(position)
        for wallet in snapshot.wallets:
            self._take_balance(wallet, snapshot.at)
        self.resume()
        for account in self._accounts:
            self._tell_state(account, snapshot.at)
            self._tell_tally(account, snapshot.at)

    @receives(PositionOpened, PositionChanged)
    def on_position(self, message: PositionOpened | PositionChanged) -> None:
        position = message.position
        if position.status is PositionStatus.ACTIVE:
            held = self._held.setdefault(position.id, _Held(position))
            held.position = caught_up(position, held.position.orders)
        self._book(position, message.at)

    @receives(OrderPartiallyFilled, OrderFilled, OrderCancelled)
    def on_report(self, report: OrderReport) -> None:
        """Fills are counted before the exit is known to have ended: what is sold already is never claimed again."""
        held = self._held.get(report.position_id)
        if held is not None:
            held.position = caught_up(held.position, (report.totals,))

    @receives(PositionClosed)
    def on_closed(self, closed: PositionClosed) -> None:
        self._held.pop(closed.position.id, None)
        self._book(closed.position, closed.at)
        self._watch_circuit(closed.position.account_id, closed.at)

    @receives(PositionTrailed)
    def on_trailed(self, trailed: PositionTrailed) -> None:
        held = self._held.get(trailed.position_id)
        if held is not None:
            held.marked = trailed
            self._decide(held, trailed.at)

    @receives(WalletChanged)
    def on_wallet(self, changed: WalletChanged) -> None:
        self._take_balance(changed.wallet, changed.at)

    def _decide(self, held: _Held, at: datetime) -> None:
        is_waiting = held.is_claimed or (held.retry_at is not None and at < held.retry_at)
        if is_waiting or at >= self._rules.session.closes_at:
            return
        mark = self._mark(held, at)
        situation = self._rules.situation(at, is_circuit_tripped=held.position.account_id in self._tripped)
        decision = decide_exit(mark, situation, self._rules.exits)
        if decision is not None:
            held.is_claimed = True
            self._claim(held, mark, situation, decision)

    def _mark(self, held: _Held, at: datetime) -> Mark:
        position, marked = held.position, held.marked
        assert position.trail is not None
        return Mark(
            entry_paise=position.entry_price_paise,
            quantity=position.quantity,
            ltp_paise=marked.ltp_paise if marked is not None else 0,
            is_price_fresh=marked is not None and is_price_fresh(marked.tick_at_us, us_from(at)),
            trail=marked.trail if marked is not None else position.trail,
            target_paise=position.target_paise,
            side=position.side,
        )

    def _claim(self, held: _Held, mark: Mark, situation: Situation, decision: ExitDecision) -> None:
        position, marked, session = held.position, held.marked, self._rules.session
        tag = exit_tag(
            decision.reason,
            self._rules.exits,
            session_end_at=session.session_end_at,
            time_exit_at=session.time_exit_at,
        )
        self.publish(
            ExitCandidate(
                at=situation.at,
                position_id=position.id,
                account_id=position.account_id,
                instrument=position.instrument,
                reason=decision.reason,
                tag=tag,
                text=decision.text,
                quantity=position.quantity,
                ltp_paise=mark.ltp_paise,
                bid_paise=marked.bid_paise if marked is not None else 0,
                trigger_paise=decision.trigger_paise,
                stop_paise=mark.trail.stop_paise,
                tick_at_us=marked.tick_at_us if marked is not None else 0,
                verdicts=explain(mark, situation, self._rules.exits),
            )
        )

    @receives(ExitIntentRejected)
    def on_rejected(self, rejected: ExitIntentRejected) -> None:
        self._release(rejected.intent.position_id, rejected.retry_at)

    @receives(ExitCandidateDropped)
    def on_dropped(self, dropped: ExitCandidateDropped) -> None:
        """In flight: its end will be told. In its cool-down: claim again when that is over."""
        if dropped.retry_at is not None:
            self._release(dropped.position_id, dropped.retry_at)

    @receives(ExitFailed)
    def on_failed(self, failed: ExitFailed) -> None:
        held = self._held.get(failed.position_id)
        if held is None:
            return
        held.failures += 1
        if held.failures == FAILURES_BEFORE_ALERT:
            text = f"exit of position {failed.position_id} failed {held.failures} times ({failed.text}); still trying"
            self.publish(Alert(at=failed.at, level="CRITICAL", text=text))
        # The shortest wait of any reason: a longer one is kept by SignalManager, who answers with its end.
        self._release(failed.position_id, failed.at + timedelta(milliseconds=min(1000, self._rules.rearm_s * 1000)))

    @receives(ExitFilled)
    def on_filled(self, filled: ExitFilled) -> None:
        """Of a position that is still open (a late entry fill) the rest is claimed anew."""
        self._release(filled.position_id, None)

    def on_restart_of(self, name: str, at: datetime) -> None:
        """A claim in a crashed letter is never answered: make every one again, SignalManager knows what flies."""
        if name in ("signal_manager", "exit_engine"):
            for position_id in self._held:
                self._release(position_id, None)
        elif name == "feed_hub":
            # It says anew what is stale, and of what has become fresh meanwhile it says nothing.
            self._set_cause("feed", "", at)
        elif name in ("entry_guard", "dashboard"):
            for account in self._accounts:
                self._tell_state(account, at)
                self._tell_tally(account, at)

    def _release(self, position_id: int, retry_at: datetime | None) -> None:
        held = self._held.get(position_id)
        if held is not None:
            held.is_claimed = False
            held.retry_at = retry_at

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        rules = self._rules
        if not is_sweep_due(
            self._swept_at, pulse.at, rules.session, len(self._held), active_ms=rules.active_ms, idle_ms=rules.idle_ms
        ):
            return
        self._swept_at = pulse.at
        for account in self._accounts:
            self._watch_circuit(account, pulse.at)
        for held in tuple(self._held.values()):
            self._decide(held, pulse.at)
            self._watch_price(held, pulse.at)

    def _watch_price(self, held: _Held, at: datetime) -> None:
        """A price too old to decide on is asked for over REST; the answer goes to ActiveCache like a tick."""
        session, instrument = self._rules.session, held.position.instrument
        # Before the first mark the fill is the newest price there is.
        tick_at_us = held.marked.tick_at_us if held.marked is not None else us_from(held.position.opened_at or at)
        step = held.watch.step(tick_at_us, at, is_open=session.opens_at <= at < session.closes_at)
        if step is Step.ASK_AND_TELL:
            text = f"no fresh price of {instrument.symbol}: exits by time go on, exits by price wait for a quote"
            self.publish(Alert(at=at, level="WARNING", text=text))
        if step is not Step.NOTHING:
            key = instrument.key
            self.send("data_gateway", GetQuotes(at=at, request=key, reply_to="active_cache", keys=(key,)))

    def _take_balance(self, wallet: Wallet, at: datetime) -> None:
        """The first reading of the day is its starting balance, whatever comes later."""
        account = wallet.account_id
        if account in self._balances:
            return
        is_late = self._books[account].has_traded
        balance = wallet.equity_at_cost_paise - (wallet.realised_today_paise if is_late else 0)
        row = StartingBalance(
            account_id=account,
            day=self._rules.day,
            starting_balance_paise=balance,
            is_estimated=is_late,
            captured_at=at,
        )
        with self._store.unit() as unit:
            self._balances[account] = self._rows.keep_starting_balance(row).starting_balance_paise
            unit.commit()
        self._tell_tally(account, at)

    def _watch_circuit(self, account_id: str, at: datetime) -> None:
        book = self._books[account_id]
        if account_id in self._tripped or not book.has_traded:
            return
        bids = [
            (held.position, held.marked.bid_paise or held.marked.ltp_paise)
            for held in self._held.values()
            if held.position.account_id == account_id and held.marked is not None
        ]
        verdict = day_verdict(
            book, bids, self._balances.get(account_id), self._charges, at.date(), self._rules.exits.circuit_limit_bps
        )
        if verdict.is_tripped:
            self._trip(account_id, verdict.loss_bps or 0, verdict.day_net_paise, at)

    def _trip(self, account_id: str, loss_bps: int, day_pnl_paise: int, at: datetime) -> None:
        limit_bps = self._rules.exits.circuit_limit_bps
        trip = CircuitTrip(
            account_id=account_id,
            day=self._rules.day,
            at=at,
            reason="circuit",
            loss_bps=loss_bps,
            limits=msgspec.json.encode({"limit_bps": limit_bps, "day_pnl_paise": day_pnl_paise}).decode(),
        )
        with self._store.unit() as unit:
            self._rows.trip(trip)
            unit.commit()
        self._tripped.add(account_id)
        # Until the day of India is over: the next trading day begins after that, and the rows know when.
        lasts = timedelta(days=1) - (at - at.replace(hour=0, minute=0, second=0, microsecond=0))
        self._cache.put_circuit(account_id, at=at, reason="circuit", loss_pct=loss_bps / 100, lasts=lasts)
        self.publish(
            CircuitTripped(
                at=at,
                account_id=account_id,
                day=self._rules.day,
                loss_bps=loss_bps,
                limit_bps=limit_bps,
                day_pnl_paise=day_pnl_paise,
            )
        )
        self._tell_state(account_id, at)
        for held in tuple(self._held.values()):
            if held.position.account_id == account_id:
                self._decide(held, at)

    def _book(self, position: Position, at: datetime) -> None:
        if self._books[position.account_id].take_in(position, self._rules.day):
            self._tell_tally(position.account_id, at)

    def _tell_tally(self, account_id: str, at: datetime) -> None:
        balance = self._balances.get(account_id)
        if balance is not None:
            tallies = self._books[account_id].tallies
            self._cache.put_tallies(account_id, self._rules.day, tallies)
            self.publish(DayTallyChanged(at=at, account_id=account_id, starting_balance_paise=balance, tallies=tallies))

    @receives(FeedHealthChanged)
    def on_feed_health(self, changed: FeedHealthChanged) -> None:
        self._set_cause("feed", "" if changed.is_fresh else f"newest tick is {changed.age_ms} ms old", changed.at)

    @receives(ChildGaveUp)
    def on_gave_up(self, gave_up: ChildGaveUp) -> None:
        if gave_up.policy == "REDUCE":
            self._set_cause(gave_up.name, gave_up.text, gave_up.at)

    def _set_cause(self, cause: str, text: str, at: datetime) -> None:
        if text:
            self._causes[cause] = text
            self.publish(Alert(at=at, level="WARNING", text=f"entries stop: {cause}: {text}"))
        else:
            self._causes.pop(cause, None)
        for account in self._accounts:
            self._tell_state(account, at)

    def _tell_state(self, account_id: str, at: datetime) -> None:
        state, causes = trading_state_of(self._causes, is_tripped=account_id in self._tripped)
        self.publish(TradingStateChanged(at=at, account_id=account_id, state=state, causes=causes))

    def close(self) -> None:
        self._store.close_thread()
