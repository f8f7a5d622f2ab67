"""Whether a signal becomes an order: every gate measured, compared and written down.

Owns: trade intents and the gate ledger.
Receives: DeliveryCreated, TicksFound, QuotesFetched, positions and their snapshot, WalletChanged,
    TradingStateChanged, DayTallyChanged, FeedHealthChanged, PositionProfitChanged, order acceptance, Pulse.
Sends: GetTicks, GetQuotes; TradeIntentApproved, TradeIntentRejected.
Recovers from: PositionTracker's snapshot and its rows; approved intents without a position are sent again while young.
Limits: one delivery at a time an index; a wait for a price ends after 300 ms, a wait for a quote after 3 s.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from scalper.actors.messages.feed import GetQuotes, GetTicks, QuotesFetched, TicksFound
from scalper.actors.messages.orders import OrderAccepted
from scalper.actors.messages.positions import (
    PositionCancelled,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    PositionPending,
    PositionProfitChanged,
    PositionSnapshot,
    ReportPositions,
    WalletChanged,
)
from scalper.actors.messages.risk import DayTallyChanged, TradingStateChanged
from scalper.actors.messages.signals import DeliveryCreated, TradeIntentApproved, TradeIntentRejected
from scalper.domain.capital import Allocation, policy_of, quantity_for
from scalper.domain.direction import Direction
from scalper.domain.entry import (
    AccountView,
    EntryFacts,
    EntryLimits,
    are_fresh,
    cheap_gates,
    price_facts,
    priced_gates,
    stale_gate,
)
from scalper.domain.entry_intent import new_trade_intent
from scalper.domain.guard_rules import GuardRules
from scalper.domain.orders import OrderPurpose
from scalper.domain.positions import Position
from scalper.domain.quotes import Tick, newer_tick
from scalper.domain.signals import GateResult, IntentStatus, TradeIntent
from scalper.domain.times import us_from
from scalper.runtime.actor import Actor, Link, receives
from scalper.runtime.heartbeat import Pulse
from scalper.store.database import Store
from scalper.store.intents import IntentRepository

#: A quote asked for and not answered in this time is no quote.
QUOTE_WAIT = timedelta(seconds=3)


class _Attempt(msgspec.Struct):
    """One delivery being decided."""

    created: DeliveryCreated
    tick_until: datetime
    quote_until: datetime | None = None
    index_tick: Tick | None = None
    option_tick: Tick | None = None


class EntryGuard(Actor):
    """Says yes or no, and why."""

    def __init__(self, link: Link, *, store: Store, rules: GuardRules, accounts: tuple[str, ...]) -> None:
        super().__init__(link)
        self._store = store
        self._rows = IntentRepository(store)
        self._rules = rules
        self._accounts = {account: AccountView() for account in accounts}
        self._open: dict[int, Position] = {}
        self._exits: dict[tuple[str, str], datetime] = {}
        self._attempts: dict[str, _Attempt] = {}
        self._queue: list[DeliveryCreated] = []
        self._decided: set[int] = set()
        self._placing: set[int] = set()
        self._last_id = 0

    def recover(self, at: datetime) -> None:
        self._last_id = self._rows.max_id()
        self._decided = {intent.delivery_id for intent in self._rows.of_day(self._rules.day)}
        self.hold_for("position_tracker", ReportPositions(at=at, reply_to=self.name))

    @receives(PositionSnapshot)
    def on_snapshot(self, snapshot: PositionSnapshot) -> None:
        self._open = {position.id: position for position in snapshot.open_positions}
        self._placing.clear()
        for position in snapshot.closed_today:
            self._note_exit(position)
        for wallet in snapshot.wallets:
            self._learn(wallet.account_id, cash_paise=wallet.cash_paise)
        self._settle_intents(snapshot)
        self.resume()

    def on_restart_of(self, name: str, at: datetime) -> None:
        """An approval may have been lost with the letter that crashed PositionTracker: compare with what it has."""
        if name == "position_tracker":
            self.hold_for(name, ReportPositions(at=at, reply_to=self.name))

    def _settle_intents(self, snapshot: PositionSnapshot) -> None:
        """Of intents in flight: bought is FILLED; without a position no order was ever sent, and the price is old."""
        positions = {one.trade_intent_id: one for one in (*snapshot.open_positions, *snapshot.closed_today)}
        for intent in (*self._rows.approved_unplaced(), *self._rows.placed()):
            position = positions.get(intent.id)
            if position is None:
                self._move(intent.id, IntentStatus.FAILED, snapshot.at, "stale")
            elif position.bought_quantity:
                self._move(intent.id, IntentStatus.FILLED, snapshot.at)

    @receives(WalletChanged)
    def on_wallet(self, changed: WalletChanged) -> None:
        self._learn(changed.wallet.account_id, cash_paise=changed.wallet.cash_paise)

    @receives(TradingStateChanged)
    def on_state(self, changed: TradingStateChanged) -> None:
        self._learn(changed.account_id, blocks=changed.causes)

    @receives(DayTallyChanged)
    def on_tally(self, changed: DayTallyChanged) -> None:
        self._learn(
            changed.account_id,
            starting_balance_paise=changed.starting_balance_paise,
            trades={tally.index_key: tally.trades for tally in changed.tallies},
            losses={tally.index_key: tally.loss_paise for tally in changed.tallies},
        )

    @receives(PositionPending, PositionOpened, PositionChanged)
    def on_position(self, message: PositionPending | PositionOpened | PositionChanged) -> None:
        self._open[message.position.id] = message.position
        self._placing.discard(message.position.trade_intent_id)
        if isinstance(message, PositionOpened):
            self._move(message.position.trade_intent_id, IntentStatus.FILLED, message.at)

    @receives(PositionClosed)
    def on_closed(self, closed: PositionClosed) -> None:
        self._open.pop(closed.position.id, None)
        self._note_exit(closed.position)

    @receives(PositionCancelled)
    def on_cancelled(self, cancelled: PositionCancelled) -> None:
        self._open.pop(cancelled.position.id, None)
        position = cancelled.position
        self._move(position.trade_intent_id, IntentStatus.FAILED, cancelled.at, position.cancel_reason)

    @receives(PositionProfitChanged)
    def on_profit_changed(self, changed: PositionProfitChanged) -> None:
        position = self._open.get(changed.position_id)
        if position is not None:
            self._open[position.id] = msgspec.structs.replace(position, profitable_since=changed.since)

    @receives(OrderAccepted)
    def on_accepted(self, accepted: OrderAccepted) -> None:
        if accepted.purpose is OrderPurpose.ENTRY:
            self._move(accepted.intent_id, IntentStatus.PLACED, accepted.at)

    @receives(DeliveryCreated)
    def on_delivery(self, created: DeliveryCreated) -> None:
        """One at a time an index: the next waits until this one has its verdict; a repeated one has it already."""
        if created.delivery.id in self._decided or self._is_waiting(created):
            return
        if created.is_stale:
            age_ms = (us_from(created.at) - us_from(created.delivery.created_at)) // 1000
            self._reject(created, (stale_gate(age_ms),), 0, created.at)
        elif created.signal.index_key in self._attempts:
            self._queue.append(created)
        else:
            self._begin(created, created.at)

    def _begin(self, created: DeliveryCreated, at: datetime) -> None:
        gates = cheap_gates(self._facts(created, at), self._limits(created))
        if not gates[-1].is_passed:
            self._reject(created, gates, 0, at)
            return
        wait = timedelta(milliseconds=self._rules.ltp_wait_ms)
        self._attempts[created.signal.index_key] = _Attempt(created, at + wait)
        self._ask_ticks(created, at)

    def _ask_ticks(self, created: DeliveryCreated, at: datetime) -> None:
        self.send(
            "tick_cache",
            GetTicks(at=at, request=_request_of(created), reply_to=self.name, keys=self._keys(created)),
        )

    @receives(TicksFound)
    def on_ticks(self, answer: TicksFound) -> None:
        attempt = self._attempt_of(answer.request)
        if attempt is None or attempt.quote_until is not None:
            return
        attempt.index_tick, attempt.option_tick = answer.ticks
        if are_fresh(attempt.index_tick, attempt.option_tick, self._limits(attempt.created), us_from(answer.at)):
            self._conclude(attempt, answer.at)
        elif answer.at >= attempt.tick_until:
            self._ask_quotes(attempt, answer.at)

    def _ask_quotes(self, attempt: _Attempt, at: datetime) -> None:
        """The socket has nothing young enough: REST may."""
        attempt.quote_until = at + QUOTE_WAIT
        request, keys = _request_of(attempt.created), self._keys(attempt.created)
        self.send("data_gateway", GetQuotes(at=at, request=request, reply_to=self.name, keys=keys))

    @receives(QuotesFetched)
    def on_quotes(self, answer: QuotesFetched) -> None:
        attempt = self._attempt_of(answer.request)
        if attempt is None:
            return
        attempt.quote_until = answer.at
        index_quote, option_quote = answer.ticks
        attempt.index_tick = newer_tick(attempt.index_tick, index_quote)
        attempt.option_tick = newer_tick(attempt.option_tick, option_quote)
        self._conclude(attempt, answer.at)

    @receives(Pulse)
    def on_pulse(self, pulse: Pulse) -> None:
        for attempt in tuple(self._attempts.values()):
            if attempt.quote_until is None:
                self._ask_ticks(attempt.created, pulse.at)
            elif pulse.at >= attempt.quote_until:
                self._conclude(attempt, pulse.at)

    def _conclude(self, attempt: _Attempt, at: datetime) -> None:
        """The cheap gates are asked once more: much may have happened since, another position before all."""
        if self._placing:
            # An intent was approved and its position is not known yet: the next pulse concludes on what is.
            return
        created = attempt.created
        gates = cheap_gates(self._facts(created, at), self._limits(created))
        allocation = None
        if gates[-1].is_passed:
            allocation = self._allocation(attempt)
            prices = price_facts(
                attempt.index_tick,
                attempt.option_tick,
                pick_ltp_paise=created.picks[0].ltp_paise,
                allocation=allocation,
                now_us=us_from(at),
            )
            gates = (*gates, *priced_gates(prices, self._limits(created)))
        del self._attempts[created.signal.index_key]
        if gates[-1].is_passed and allocation is not None and attempt.option_tick is not None:
            self._approve(created, gates, allocation, attempt.option_tick, at)
        else:
            self._reject(created, gates, attempt.option_tick.ltp_paise if attempt.option_tick else 0, at)
        self._next(created.signal.index_key, at)

    def _next(self, index_key: str, at: datetime) -> None:
        """Those that fail the cheap gates have their verdict at once; the first that does not is attempted."""
        for created in [one for one in self._queue if one.signal.index_key == index_key]:
            if index_key in self._attempts:
                return
            self._queue.remove(created)
            self._begin(created, at)

    def _is_waiting(self, created: DeliveryCreated) -> bool:
        in_hand = [*(attempt.created for attempt in self._attempts.values()), *self._queue]
        return any(one.delivery.id == created.delivery.id for one in in_hand)

    def _facts(self, created: DeliveryCreated, at: datetime) -> EntryFacts:
        account_id = created.delivery.account_id
        index_key = created.signal.index_key
        pick = created.picks[0] if created.picks else None
        return EntryFacts(
            at=at,
            session=self._rules.session,
            index_key=index_key,
            is_index_known=index_key in self._rules.index_keys,
            direction=Direction(created.signal.direction),
            contract=pick.instrument if pick is not None else None,
            pick_reason=created.reason,
            blocks=self._accounts[account_id].blocks,
            tally=self._accounts[account_id].tally(index_key),
            open_positions=tuple(one for _, one in sorted(self._open.items()) if one.account_id == account_id),
            last_exit_at=self._exits.get((account_id, self._cooldown_key(created))),
        )

    def _allocation(self, attempt: _Attempt) -> Allocation | None:
        created = attempt.created
        cash = self._accounts[created.delivery.account_id].cash_paise
        option = attempt.option_tick
        if cash is None or option is None:
            return None
        index_bps = self._rules.index_allocation_bps.get(created.signal.index_key)
        policy = policy_of(cash, self._rules.capital, index_allocation_bps=index_bps)
        return quantity_for(
            balance_paise=cash,
            # What will be paid is the ask, so the ask is what must fit.
            entry_price_paise=option.ask_paise or option.ltp_paise,
            lot_size=created.picks[0].instrument.lot_size,
            allocation_bps=policy.allocation_bps,
            risk_bps=policy.risk_bps,
            stop_loss_bps=self._rules.stop_loss_bps,
            rules=self._rules.sizing,
        )

    def _approve(
        self,
        created: DeliveryCreated,
        gates: tuple[GateResult, ...],
        allocation: Allocation,
        quote: Tick,
        at: datetime,
    ) -> None:
        if self._rules.is_watching:
            watching = GateResult("mode", "watch", "paper or live", False, "watch_mode")
            self._reject(created, (*gates, watching), quote.ltp_paise, at)
            return
        intent = self._persisted(created, gates, allocation.quantity, quote.ltp_paise, at)
        self._placing.add(intent.id)
        self.publish(
            TradeIntentApproved(
                at=at,
                intent=intent,
                signal=created.signal,
                instrument=created.picks[0].instrument,
                quote=quote,
            )
        )

    def _reject(self, created: DeliveryCreated, gates: tuple[GateResult, ...], ltp_paise: int, at: datetime) -> None:
        intent = self._persisted(created, gates, 0, ltp_paise, at)
        self.publish(TradeIntentRejected(at=at, intent=intent))

    def _persisted(
        self,
        created: DeliveryCreated,
        gates: tuple[GateResult, ...],
        quantity: int,
        ltp_paise: int,
        at: datetime,
    ) -> TradeIntent:
        contract = created.picks[0].instrument if created.picks else None
        intent = new_trade_intent(
            self._last_id + 1,
            created.delivery,
            created.signal,
            contract,
            gates,
            quantity=quantity,
            ltp_paise=ltp_paise,
            at=at,
        )
        with self._store.unit() as unit:
            self._rows.insert(intent)
            unit.commit()
        self._last_id = intent.id
        self._decided.add(created.delivery.id)
        return intent

    def _move(self, intent_id: int, to: IntentStatus, at: datetime, reason: str = "") -> None:
        with self._store.unit() as unit:
            expected = (IntentStatus.APPROVED, IntentStatus.PLACED)
            self._rows.move(intent_id, tuple(one for one in expected if one is not to), to, at, reason=reason)
            unit.commit()

    def _learn(self, account_id: str, **facts: Any) -> None:
        self._accounts[account_id] = msgspec.structs.replace(self._accounts[account_id], **facts)

    def _attempt_of(self, request: str) -> _Attempt | None:
        """The attempt a question was asked for; None when that one is over, whatever goes on for its index now."""
        attempt = self._attempts.get(request.partition("/")[0])
        return attempt if attempt is not None and _request_of(attempt.created) == request else None

    def _limits(self, created: DeliveryCreated) -> EntryLimits:
        return self._rules.limits[created.signal.index_key]

    def _keys(self, created: DeliveryCreated) -> tuple[str, str]:
        return self._rules.index_keys[created.signal.index_key], created.picks[0].instrument.key

    def _cooldown_key(self, created: DeliveryCreated) -> str:
        if self._limits(created).is_cooldown_by_side:
            return f"{created.signal.index_key}/{created.signal.direction}"
        return created.picks[0].instrument.symbol if created.picks else ""

    def _note_exit(self, position: Position) -> None:
        if position.exited_at is not None:
            self._exits[position.account_id, position.instrument.symbol] = position.exited_at
            self._exits[position.account_id, f"{position.index_key}/{position.direction}"] = position.exited_at

    def close(self) -> None:
        self._store.close_thread()


def _request_of(created: DeliveryCreated) -> str:
    return f"{created.signal.index_key}/{created.delivery.id}"
