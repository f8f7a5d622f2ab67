"""What was made of every candle of a day: each evaluation with its figures, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from scalper.actors.messages.signals import SignalEvaluated
from scalper.domain.direction import Direction, TimeframeReading
from scalper.domain.signals import IntentStatus, TradeIntent
from scalper.domain.times import us_from
from scalper.domain.units import rupees_from_paise
from scalper.inspect.reading import Reading
from scalper.runtime.message_log import LogReader
from scalper.store.database import Store
from scalper.store.intents import IntentRepository
from scalper.store.records import Day
from scalper.store.signals import SignalRepository

#: A candle is known by its index and its start, UTC microseconds.
_Candle = tuple[str, int]


def why_signals(reading: Reading, day: Day) -> dict[str, Any]:
    """Every evaluation of a day in its order, and the funnel from candles to positions.

    Raises:
        LogError: There is no log of the day, or it is broken.
    """
    became = _became(reading.store, day)
    evaluations = [_evaluation_told(one, became) for one in _evaluations(reading.log_of(day.day))]
    return {"day": day.day.isoformat(), "evaluations": evaluations, "funnel": _funnel(evaluations)}


def _evaluations(folder: Path) -> Iterable[SignalEvaluated]:
    """Once for every candle: a signal engine that starts again may look at the last one twice."""
    decoder = msgspec.json.Decoder(SignalEvaluated)
    found: dict[_Candle, SignalEvaluated] = {}
    for line in LogReader(folder):
        if line.type == SignalEvaluated.__name__:
            one = decoder.decode(line.body)
            found.setdefault((one.index_key, us_from(one.candle_at)), one)
    return found.values()


def _became(store: Store, day: Day) -> dict[_Candle, list[TradeIntent]]:
    """The intents of every candle that gave a signal."""
    by_signal: dict[int, list[TradeIntent]] = {}
    for intent in IntentRepository(store).of_day(day.day):
        by_signal.setdefault(intent.signal_id, []).append(intent)
    signals = SignalRepository(store).signals_of_day(day.day)
    return {(one.index_key, us_from(one.candle_at)): by_signal.get(one.id, []) for one in signals}


def _evaluation_told(one: SignalEvaluated, became: dict[_Candle, list[TradeIntent]]) -> dict[str, Any]:
    intents = became.get((one.index_key, us_from(one.candle_at)))
    return {
        "index": one.index_key,
        "candle_at": one.candle_at.isoformat(),
        "closed_at": (one.candle_at + timedelta(minutes=one.primary.interval_minutes)).isoformat(),
        "evaluated_at": one.at.isoformat(),
        "close": rupees_from_paise(one.close_paise),
        "primary": _reading_told(one.primary),
        "confirmation": _reading_told(one.confirmation) if one.confirmation is not None else None,
        "verdict": one.verdict.direction.value,
        "reason": one.verdict.reason.value if one.verdict.reason is not None else None,
        "is_signal": intents is not None,
        "intents": [_intent_told(intent) for intent in intents or ()],
    }


def _reading_told(reading: TimeframeReading) -> dict[str, Any]:
    line = reading.supertrend_paise
    return {
        "minutes": reading.interval_minutes,
        "direction": reading.direction.value,
        "reason": reading.reason.value if reading.reason is not None else None,
        "trend": reading.trend.value if reading.trend is not None else None,
        "supertrend": rupees_from_paise(line) if line is not None else None,
        "adx": round(reading.adx, 4) if reading.adx is not None else None,
        "adx_minimum": reading.adx_minimum,
        "plus_di": round(reading.plus_di, 4) if reading.plus_di is not None else None,
        "minus_di": round(reading.minus_di, 4) if reading.minus_di is not None else None,
        "atr": round(reading.atr, 4) if reading.atr is not None else None,
    }


def _intent_told(intent: TradeIntent) -> dict[str, Any]:
    refused = [gate for gate in intent.gates if not gate.is_passed]
    return {
        "id": intent.id,
        "account": intent.account_id,
        "status": intent.status.value,
        "reason": intent.reason or None,
        "gate": refused[0].gate if refused else None,
        "measured": refused[0].measured if refused else None,
        "limit": refused[0].limit if refused else None,
        "tag": intent.tag or None,
    }


def _funnel(evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    intents = [intent for one in evaluations for intent in one["intents"]]
    avoided = Counter(one["reason"] for one in evaluations if one["verdict"] == Direction.AVOID.value)
    refused = Counter(one["reason"] for one in intents if one["status"] == IntentStatus.REJECTED.value)
    return {
        "evaluations": len(evaluations),
        "avoided": dict(avoided.most_common()),
        "signals": sum(one["is_signal"] for one in evaluations),
        "refused": dict(refused.most_common()),
        "failed": sum(one["status"] == IntentStatus.FAILED.value for one in intents),
        "entries": sum(one["status"] == IntentStatus.FILLED.value for one in intents),
    }
