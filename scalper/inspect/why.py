"""Why a position was bought and why it was sold: the rows say what was decided, the letters how it came about."""

from __future__ import annotations

from typing import Any

import msgspec

from scalper.domain.orders import Fill, Order, OrderPurpose
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.signals import ExitIntent, ExitSignal, Signal, TradeIntent
from scalper.domain.times import ist_from_us
from scalper.domain.units import rupees_from_paise
from scalper.errors import InputError
from scalper.inspect.chain import Chains, EndOf, chains
from scalper.inspect.letters import is_about
from scalper.inspect.positions import position_told
from scalper.inspect.reading import Reading
from scalper.runtime.message_log import RawLine, log_files
from scalper.store.database import Store
from scalper.store.intents import IntentRepository
from scalper.store.orders import OrderRepository
from scalper.store.positions import PositionRepository
from scalper.store.signals import SignalRepository

ENTRY, EXIT = "entry", "exit"

#: Letters that end a chain; of those about orders the purpose says which chain.
_ENTRY_ENDS = frozenset({"PositionPending", "PositionOpened", "PositionCancelled"})
_EXIT_ENDS = frozenset({"ExitIntentApproved", "ExitIntentRejected", "ExitFailed", "PositionClosed"})
_ORDER_ENDS = frozenset({"SubmitOrders", "OrderAccepted", "OrderUnknown", "OrderNotPlaced"}) | frozenset(
    {"OrderPartiallyFilled", "OrderFilled", "OrderCancelled", "OrderRejected"}
)


def why_position(reading: Reading, position_id: int) -> dict[str, Any]:
    """Everything that is known about how a position came about and ended; prices and money in rupees.

    Raises:
        InputError: There is no such position.
        LogError: Its log is broken; rows of a day whose log is gone are told without chains.
    """
    store = reading.store
    position = PositionRepository(store).get(position_id)
    if position is None:
        known = PositionRepository(store).max_id()
        raise InputError(f"no position {position_id} in {store.name}: expected {f'1 to {known}' if known else 'none'}")
    found = _chains(reading, position)
    orders = OrderRepository(store).of_position(position.id)
    fills = OrderRepository(store).fills_of([order.id for order in orders])
    return {
        "position": position_told(position),
        "entry": {
            "signal": _signal_told(SignalRepository(store).signal(position.signal_id)),
            "intent": _entry_intent_told(IntentRepository(store).get(position.trade_intent_id)),
            "orders": _orders_told(orders, fills, OrderPurpose.ENTRY),
            "chain": found.steps.get(ENTRY, ()),
        },
        "exit": {
            "status": _exit_status(position),
            "decisions": _exits_told(store, position),
            "orders": _orders_told(orders, fills, OrderPurpose.EXIT),
            "chain": found.steps.get(EXIT, ()),
        },
        "log": str(reading.log_of(position.created_at.date())),
        "torn": found.torn,
    }


def _chains(reading: Reading, position: Position) -> Chains:
    folder = reading.log_of(position.created_at.date())
    if not log_files(folder):
        return Chains(steps={}, torn=(f"{folder} is gone: no letters to show",))
    return chains(folder, _end_of(position.id), position.instrument.key)


class _Purpose(msgspec.Struct, frozen=True):
    purpose: OrderPurpose | None = None
    orders: tuple[_Purpose, ...] = ()


def _end_of(position_id: int) -> EndOf:
    purposes = msgspec.json.Decoder(_Purpose)

    def end_of(line: RawLine) -> str | None:
        is_end = line.type in _ENTRY_ENDS or line.type in _EXIT_ENDS or line.type in _ORDER_ENDS
        if not is_end or not is_about(line, position_id):
            return None
        if line.type in _ORDER_ENDS:
            body = purposes.decode(line.body)
            purpose = body.purpose or (body.orders[0].purpose if body.orders else None)
            return EXIT if purpose is OrderPurpose.EXIT else ENTRY
        return ENTRY if line.type in _ENTRY_ENDS else EXIT

    return end_of


def _signal_told(signal: Signal | None) -> dict[str, Any] | None:
    if signal is None:
        return None
    return {
        "id": signal.id,
        "index": signal.index_key,
        "direction": signal.direction,
        "confluence_type": signal.confluence_type,
        "candle_at": signal.candle_at.isoformat(),
        "floor": rupees_from_paise(signal.effective_floor_paise),
        "ceiling": rupees_from_paise(signal.effective_ceiling_paise),
        "created_at": signal.created_at.isoformat(),
    } | msgspec.json.decode(signal.figures, type=dict[str, Any])


def _entry_intent_told(intent: TradeIntent | None) -> dict[str, Any] | None:
    if intent is None:
        return None
    return {
        "id": intent.id,
        "number": intent.intent_number,
        "status": intent.status.value,
        "tag": intent.tag,
        "quantity": intent.quantity,
        "ltp": rupees_from_paise(intent.ltp_paise),
        "created_at": intent.created_at.isoformat(),
        "gates": [gate_told(gate) for gate in intent.gates],
    }


def gate_told(gate: Any) -> dict[str, Any]:
    """One gate: what it measured, the limit, the verdict."""
    return {
        "gate": gate.gate,
        "measured": gate.measured,
        "limit": gate.limit,
        "is_passed": gate.is_passed,
        "reason": gate.reason,
    }


def _exit_status(position: Position) -> str:
    match position.status:
        case PositionStatus.EXITED:
            return "sold"
        case PositionStatus.CANCELLED:
            return "never bought"
        case PositionStatus.PENDING:
            return "not bought yet"
        case PositionStatus.ACTIVE:
            return "open"


def _exits_told(store: Store, position: Position) -> list[dict[str, Any]]:
    """Each decision to leave, oldest first: a failed exit is decided on again."""
    signals = SignalRepository(store)
    days = {position.created_at.date(), position.updated_at.date()}
    intents = {one.exit_signal_id: one for day in sorted(days) for one in signals.exit_intents_of_day(day)}
    return [
        _exit_told(one, intents.get(one.id))
        for day in sorted(days)
        for one in signals.exit_signals_of_day(day)
        if one.position_id == position.id
    ]


class _Evidence(msgspec.Struct, frozen=True):
    trigger_paise: int | None = None
    stop_paise: int = 0
    bid_paise: int = 0
    tick_at_us: int = 0
    verdicts: list[dict[str, Any]] = []


def _exit_told(signal: ExitSignal, intent: ExitIntent | None) -> dict[str, Any]:
    evidence = msgspec.json.decode(signal.evidence, type=_Evidence)
    tick_at = ist_from_us(evidence.tick_at_us) if evidence.tick_at_us else None
    return {
        "reason": signal.reason.value,
        "episode": signal.episode,
        "decided_at": signal.detected_at.isoformat(),
        "tick_at": tick_at.isoformat() if tick_at else None,
        "tick_age_ms": round((signal.detected_at - tick_at).total_seconds() * 1000) if tick_at else None,
        "ltp": rupees_from_paise(signal.ltp_paise) if signal.ltp_paise else None,
        "bid": rupees_from_paise(evidence.bid_paise) if evidence.bid_paise else None,
        "trigger": rupees_from_paise(evidence.trigger_paise) if evidence.trigger_paise else None,
        "stop_in_force": rupees_from_paise(evidence.stop_paise) if evidence.stop_paise else None,
        "rules": evidence.verdicts,
        "intent": _exit_intent_told(intent),
    }


def _exit_intent_told(intent: ExitIntent | None) -> dict[str, Any] | None:
    if intent is None:
        return None
    return {
        "id": intent.id,
        "number": intent.intent_number,
        "status": intent.status.value,
        "tag": intent.tag,
        "text": intent.text,
        "quantity": intent.quantity,
        "attempts": intent.attempts,
        "reject_reason": intent.reject_reason,
    }


def _orders_told(orders: tuple[Order, ...], fills: tuple[Fill, ...], purpose: OrderPurpose) -> list[dict[str, Any]]:
    return [
        {
            "id": order.id,
            "correlation_id": order.correlation_id,
            "broker_order_id": order.broker_order_id,
            "side": order.side.value,
            "type": order.order_type.value,
            "quantity": order.quantity,
            "limit_price": rupees_from_paise(order.limit_price_paise) if order.limit_price_paise else None,
            "created_at": order.created_at.isoformat(),
            "send_state": order.send_state.value,
            "broker_status": order.broker_status.value,
            "text": order.reason_text,
            "filled_quantity": order.filled_quantity,
            "charges_rupees": rupees_from_paise(order.charges_paise),
            "fills": [_fill_told(fill) for fill in fills if fill.order_id == order.id],
        }
        for order in orders
        if order.purpose is purpose
    ]


def _fill_told(fill: Fill) -> dict[str, Any]:
    charges = {name: rupees_from_paise(paise) for name, paise in msgspec.structs.asdict(fill.charges).items()}
    return {
        "trade_id": fill.exchange_trade_id,
        "at": fill.at.isoformat(),
        "quantity": fill.quantity,
        "price": rupees_from_paise(fill.price_paise),
        "charges": charges,
    }
