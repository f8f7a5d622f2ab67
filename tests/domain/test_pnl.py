"""P&L in one unit, peaks that never fall, and who writes when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.pnl import (
    FlushQueue,
    HeldPosition,
    PnlThrottle,
    ltp_of_sources,
    mark,
    pnl_fields,
    pnl_pct,
    raised_hwm_paise,
    texts_from,
)
from scalper.domain.times import IST
from scalper.domain.units import paise_from_rupees
from tests.shared_files import golden_cases

OPENED_AT = datetime(2026, 1, 12, 10, 0, tzinfo=IST)
PRICES = st.integers(5, 10**6)


def a_held_position(**changes) -> HeldPosition:
    facts = {
        "entry_price_paise": 100_00, "quantity": 75, "opened_at": OPENED_AT, "segment": "NSE_FNO",
        "security_id": "4711", "symbol": "NIFTY-Jan2026-25750-CE", "side": "long_ce", "direction": "bullish",
        "index_key": "NIFTY", "order_no": "112", "is_paper": True,
    }  # fmt: skip
    return HeldPosition(**facts | changes)


def fields_at(ltp_paise: int, hwm_pnl_paise: int = 0, after_s: float = 0, **changes):
    at = OPENED_AT + timedelta(seconds=after_s)
    return pnl_fields(a_held_position(**changes), ltp_paise=ltp_paise, hwm_pnl_paise=hwm_pnl_paise, ltp_at=at, at=at)


def test_a_loss_of_thirty_percent_is_minus_thirty_at_every_layer():
    marked = mark(entry_price_paise=100_00, quantity=75, ltp_paise=70_00)
    fields = fields_at(70_00)

    assert marked.pnl_pct == fields.pnl_pct == fields.price_change_pct == -30.0
    assert texts_from(fields)["pnl_pct"] == "-30.0"


@pytest.mark.parametrize("invalid", [{"entry_price_paise": 0}, {"quantity": 0}, {"ltp_paise": 0}, {"quantity": -75}])
def test_an_invalid_position_has_no_mark(invalid):
    assert mark(**{"entry_price_paise": 100_00, "quantity": 75, "ltp_paise": 110_00} | invalid) is None


@given(PRICES, st.integers(1, 10_000), st.lists(PRICES, min_size=1, max_size=10))
def test_peaks_never_fall_and_never_lie_below_the_present(entry, quantity, path):
    hwm_ltp = hwm_pnl = 0

    for ltp in path:
        marked = mark(
            entry_price_paise=entry, quantity=quantity, ltp_paise=ltp, hwm_ltp_paise=hwm_ltp, hwm_pnl_paise=hwm_pnl
        )
        assert marked.hwm_ltp_paise >= max(hwm_ltp, ltp, entry)
        assert marked.hwm_pnl_paise >= max(hwm_pnl, marked.pnl_paise, 0)
        hwm_ltp, hwm_pnl = marked.hwm_ltp_paise, marked.hwm_pnl_paise

    assert hwm_pnl == (hwm_ltp - entry) * quantity
    assert marked.peak_profit_pct == pnl_pct(entry_price_paise=entry, ltp_paise=max(*path, entry))


def test_the_row_tells_rupees_points_and_seconds():
    fields = fields_at(90_05, after_s=12.5)

    assert (fields.pnl, fields.ltp, fields.capital_deployed) == (-746.25, 90.05, 7_500.0)
    assert fields.pnl_pct == -9.95
    assert (fields.time_in_position_sec, fields.entry_timestamp) == (12, OPENED_AT.timestamp())
    assert fields.timestamp == fields.updated_at == OPENED_AT.timestamp() + 12.5


def test_without_a_high_water_mark_there_is_no_drawdown():
    fields = fields_at(90_00)

    assert (fields.hwm_pnl, fields.drawdown_rupees, fields.drawdown_pct) == (0, None, None)
    assert not {"drawdown_rupees", "drawdown_pct"} & texts_from(fields).keys()


def test_the_row_raises_a_high_water_mark_that_lags_behind():
    fields = fields_at(110_00, hwm_pnl_paise=500_00)

    assert (fields.hwm_pnl, fields.drawdown_rupees, fields.drawdown_pct) == (750.0, 0.0, 0.0)


@pytest.mark.parametrize(("is_paper", "text"), [(True, "1"), (False, "0")])
def test_the_row_says_whether_it_is_paper(is_paper, text):
    assert texts_from(fields_at(100_00, is_paper=is_paper))["paper"] == text


def test_every_value_of_the_stored_row_is_a_text():
    assert all(isinstance(value, str) for value in texts_from(fields_at(110_00)).values())


@pytest.mark.parametrize(("sources", "used"), [
    ((101_00, 100_00, 99_00), 101_00),
    ((0, 100_00, 99_00), 100_00),
    ((0, -1, 99_00), 99_00),
    ((0, 0, 0), None),
])  # fmt: skip
def test_the_first_positive_price_in_the_order_of_trust_is_used(sources, used):
    tick, mirrored, payload = sources

    assert ltp_of_sources(tick_cache_paise=tick, mirrored_tick_paise=mirrored, payload_paise=payload) == used


def test_each_position_is_throttled_on_its_own():
    throttle = PnlThrottle(timedelta(seconds=30))

    assert throttle.is_due(1, OPENED_AT)
    assert throttle.is_due(2, OPENED_AT + timedelta(seconds=29))
    assert not throttle.is_due(1, OPENED_AT + timedelta(seconds=29))


def test_an_exit_is_written_at_once_and_starts_a_new_period():
    throttle = PnlThrottle(timedelta(seconds=30))
    throttle.is_due(1, OPENED_AT)

    assert throttle.is_due(1, OPENED_AT + timedelta(seconds=20), is_forced=True)
    assert not throttle.is_due(1, OPENED_AT + timedelta(seconds=49))


def test_a_forgotten_position_starts_anew():
    throttle = PnlThrottle(timedelta(seconds=30))
    throttle.is_due(1, OPENED_AT)

    throttle.forget(1)
    throttle.forget(2)

    assert throttle.is_due(1, OPENED_AT)


def test_the_last_value_of_a_key_is_flushed_in_the_place_of_the_first():
    queue: FlushQueue[int, str] = FlushQueue()
    for key, value in ((1, "old"), (2, "two"), (1, "new"), (3, "three")):
        queue.put(key, value)

    queue.discard(3)
    queue.discard(4)

    assert queue.take(10) == ((1, "new"), (2, "two"))
    assert len(queue) == 0


def test_a_key_flushed_and_put_again_waits_at_the_end():
    queue: FlushQueue[int, str] = FlushQueue()
    queue.put(1, "a")
    queue.put(2, "b")

    first = queue.take(1)
    queue.put(1, "c")

    assert first == ((1, "a"),)
    assert queue.take(2) == ((2, "b"), (1, "c"))


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="got 0"):
        FlushQueue().take(0)


@pytest.mark.parametrize("case", golden_cases("positions.pnl"))
def test_marks_as_in_the_worked_examples(case):
    given_, expected = case["input"], case["expected"]

    marked = mark(
        entry_price_paise=paise_from_rupees(given_["entry_price"]),
        quantity=given_["quantity"],
        ltp_paise=paise_from_rupees(given_["ltp"]),
    )

    if expected["pnl"] is None:
        assert marked is None
    else:
        assert marked.pnl_paise == paise_from_rupees(expected["pnl"])
        assert marked.hwm_pnl_paise == paise_from_rupees(expected["hwm_pnl"])
        assert marked.pnl_pct == pytest.approx(expected["pnl_pct"], abs=case["tolerance"])
        assert marked.peak_profit_pct == pytest.approx(expected["peak_profit_pct"], abs=case["tolerance"])


@pytest.mark.parametrize("case", golden_cases("pnl.units"))
def test_percent_points_as_in_the_worked_examples(case):
    entry, ltp = paise_from_rupees(case["input"]["entry"]), paise_from_rupees(case["input"]["ltp"])

    assert pnl_pct(entry_price_paise=entry, ltp_paise=ltp) == case["expected"]["pnl_pct"]


@pytest.mark.parametrize("case", golden_cases("pnl.hwm"))
def test_high_water_marks_as_in_the_worked_examples(case):
    stored, now = paise_from_rupees(case["input"]["db_hwm"]), paise_from_rupees(case["input"]["pnl_now"])

    # A position of one unit bought for 100 rupees carries the P&L of the example.
    fields = fields_at(100_00 + now, hwm_pnl_paise=stored, quantity=1)

    assert raised_hwm_paise(stored, now) == paise_from_rupees(case["expected"]["hwm_pnl"])
    for name in case["expected"].keys() & {"hwm_pnl", "drawdown_rupees", "drawdown_pct"}:
        assert getattr(fields, name) == case["expected"][name]


@pytest.mark.parametrize("case", golden_cases("pnl.redis_fields"))
def test_the_row_as_in_the_worked_examples(case):
    given_ = case["input"]

    fields = fields_at(
        paise_from_rupees(given_["ltp"]),
        hwm_pnl_paise=paise_from_rupees(given_["hwm_pnl"]),
        after_s=given_["age_s"],
        entry_price_paise=paise_from_rupees(given_["entry_price"]),
        quantity=given_["quantity"],
    )

    assert fields.pnl == given_["pnl"]
    assert {name: getattr(fields, name) for name in case["expected"]} == case["expected"]


@pytest.mark.parametrize("case", golden_cases("pnl.db_throttle"))
def test_database_writes_as_in_the_worked_examples(case):
    throttle = PnlThrottle(timedelta(seconds=case["input"]["throttle_s"]))

    writes = [throttle.is_due(1, OPENED_AT + timedelta(seconds=second)) for second in case["input"]["store_times_s"]]

    assert sum(writes) == case["expected"]["db_writes"]


@pytest.mark.parametrize("case", golden_cases("pnl.updater"))
def test_flushes_and_sources_as_in_the_worked_examples(case):
    given_, expected = case["input"], case["expected"]

    if "tick_cache" in given_:
        tick, mirrored, payload = (paise_from_rupees(given_[name]) for name in ("tick_cache", "redis_tick", "payload"))
        used = ltp_of_sources(tick_cache_paise=tick, mirrored_tick_paise=mirrored, payload_paise=payload)
        assert used == paise_from_rupees(expected["ltp_used"])
    else:
        queue: FlushQueue[int, int] = FlushQueue()
        for tracker in range(given_["queued_trackers"]):
            queue.put(tracker, tracker)
        batches = [len(queue.take(given_["max_batch"])) for _ in range(3)]
        assert batches == [expected["first_flush"], expected["second"], expected["third"]]
