"""Charges of an order, to the paisa."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.charges import (
    NO_CHARGES,
    ChargeRates,
    Charges,
    ChargeTable,
    Exchange,
    charges_delta,
    charges_of_order,
    exchange_of,
)
from scalper.domain.orders import OrderSide

#: NSE from October 2024 to March 2026.
RATES = ChargeRates(
    brokerage_paise=20_00, stt_ppb=1_000_000, exchange_ppb=350_300, sebi_ppb=1_000,
    stamp_ppb=30_000, ipft_ppb=5_000, gst_ppb=180_000_000,
)  # fmt: skip
FIRST_DAY = date(2020, 7, 1)


def a_table(**changes) -> ChargeTable:
    rows = {
        "brokerage_paise": {FIRST_DAY: 20_00},
        "stt_ppb": {date(2026, 4, 1): 1_500_000, FIRST_DAY: 500_000, date(2024, 10, 1): 1_000_000},
        "sebi_ppb": {FIRST_DAY: 1_000},
        "stamp_ppb": {FIRST_DAY: 30_000},
        "gst_ppb": {FIRST_DAY: 180_000_000},
        "exchange_ppb": {Exchange.NSE: {FIRST_DAY: 350_300}, Exchange.BSE: {FIRST_DAY: 325_000}},
        "ipft_ppb": {Exchange.NSE: {FIRST_DAY: 5_000}, Exchange.BSE: {FIRST_DAY: 0}},
    }
    return ChargeTable(**rows | changes)


def test_a_purchase_pays_stamp_duty_and_no_stt():
    # 65 x 150.00 = 9 750 rupees.
    charges = charges_of_order(OrderSide.BUY, 975_000, RATES)

    assert charges == Charges(brokerage=2000, stt=0, exchange=342, sebi=1, stamp=29, ipft=5, gst=422)
    assert charges.total_paise == 2799


def test_a_sale_pays_stt_and_no_stamp_duty():
    charges = charges_of_order(OrderSide.SELL, 975_000, RATES)

    assert charges == Charges(brokerage=2000, stt=975, exchange=342, sebi=1, stamp=0, ipft=5, gst=422)


@pytest.mark.parametrize(("turnover_paise", "stt"), [(500, 1), (499, 0), (1_499, 1), (1_500, 2)])
def test_half_a_paisa_is_rounded_away_from_zero(turnover_paise, stt):
    assert charges_of_order(OrderSide.SELL, turnover_paise, RATES).stt == stt


@pytest.mark.parametrize("side", OrderSide)
def test_an_order_that_was_not_executed_costs_nothing(side):
    assert charges_of_order(side, 0, RATES) == NO_CHARGES
    assert NO_CHARGES.total_paise == 0


def test_a_negative_turnover_is_refused():
    with pytest.raises(ValueError, match="-1 paise"):
        charges_of_order(OrderSide.BUY, -1, RATES)


@given(st.sampled_from(OrderSide), st.lists(st.integers(1, 10**9), min_size=1, max_size=8))
def test_what_the_fills_add_is_what_the_order_costs(side, fills_paise):
    booked, before, turnover_paise = NO_CHARGES, NO_CHARGES, 0

    for fill_paise in fills_paise:
        turnover_paise += fill_paise
        after = charges_of_order(side, turnover_paise, RATES)
        booked += charges_delta(before, after)
        before = after

    assert booked == charges_of_order(side, sum(fills_paise), RATES)
    assert booked.brokerage == 20_00


@pytest.mark.parametrize(("day", "stt_ppb"), [
    (FIRST_DAY, 500_000),
    (date(2024, 9, 30), 500_000),
    (date(2024, 10, 1), 1_000_000),
    (date(2026, 3, 31), 1_000_000),
    (date(2026, 4, 1), 1_500_000),
])  # fmt: skip
def test_a_rate_holds_from_its_day_to_the_next(day, stt_ppb):
    assert a_table().rates(Exchange.NSE, day).stt_ppb == stt_ppb


def test_fees_of_an_exchange_are_its_own():
    table = a_table()

    assert table.rates(Exchange.NSE, FIRST_DAY).exchange_ppb == 350_300
    assert table.rates(Exchange.BSE, FIRST_DAY).exchange_ppb == 325_000


def test_a_day_before_the_first_row_has_no_rates():
    with pytest.raises(ValueError, match=r"2020-06-30.*2020-07-01"):
        a_table().rates(Exchange.NSE, date(2020, 6, 30))


@pytest.mark.parametrize(("changes", "complaint"), [
    ({"stt_ppb": {}}, "no stt rate"),
    ({"exchange_ppb": {Exchange.NSE: {FIRST_DAY: 1}}}, "no exchange rate of BSE"),
    ({"gst_ppb": {FIRST_DAY: -1}}, "gst rate .* negative"),
])  # fmt: skip
def test_a_table_with_a_hole_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        a_table(**changes)


@pytest.mark.parametrize(("segment", "exchange"), [("NSE_FNO", Exchange.NSE), ("bse_fno", Exchange.BSE)])
def test_the_segment_tells_the_exchange(segment, exchange):
    assert exchange_of(segment) is exchange


def test_a_segment_of_neither_exchange_has_no_charges():
    with pytest.raises(ValueError, match="MCX_COMM"):
        exchange_of("MCX_COMM")
