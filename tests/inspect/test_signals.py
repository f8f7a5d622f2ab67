"""What was made of every candle."""

from __future__ import annotations

from scalper.inspect.reading import Reading
from scalper.inspect.signals import why_signals
from tests.traded_day import MINUTES


def test_every_candle_of_the_day_is_told_once_with_both_timeframes(traded: Reading) -> None:
    evaluations = why_signals(traded, traded.day(None))["evaluations"]

    candles = [one["candle_at"] for one in evaluations]
    assert len(candles) == len(set(candles)) == MINUTES
    assert candles == sorted(candles)
    assert all(one["primary"]["adx"] is not None and one["confirmation"]["supertrend"] for one in evaluations)


def test_a_signal_says_what_became_of_it(traded: Reading) -> None:
    evaluations = why_signals(traded, traded.day(None))["evaluations"]

    by_close = {one["closed_at"][11:16]: one for one in evaluations}
    assert by_close["09:20"]["intents"][0]["status"] == "FILLED"
    refusal = by_close["09:21"]["intents"][0]
    assert (refusal["status"], refusal["reason"], refusal["measured"]) == (
        "REJECTED",
        "exposure_limit",
        "1 on this side",
    )


def test_the_funnel_adds_up(traded: Reading) -> None:
    funnel = why_signals(traded, traded.day(None))["funnel"]

    assert funnel["evaluations"] == funnel["signals"] + sum(funnel["avoided"].values())
    assert funnel["signals"] == funnel["entries"] + funnel["failed"] + sum(funnel["refused"].values())
    assert funnel["entries"] == 1


def test_entries_that_the_broker_refused_count_as_failed(refused: Reading) -> None:
    funnel = why_signals(refused, refused.day(None))["funnel"]

    assert (funnel["entries"], funnel["failed"]) == (0, funnel["signals"] - sum(funnel["refused"].values()))
    assert funnel["failed"] > 0
