"""What a day has brought: trades, losses, results, and what the open rest would bring."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.charges import Exchange, charges_of_order
from scalper.domain.day_book import DayBook, IndexTally, day_verdict, unrealised_net_paise
from scalper.domain.orders import OrderSide
from scalper.domain.positions import OrderTotals, Position
from tests.builders import (
    DAY,
    ELEVEN,
    LOT,
    a_closed_position,
    a_pending_position,
    a_position,
    an_exit_order,
    bought,
    charges,
)


def a_book(*positions: Position) -> DayBook:
    book = DayBook()
    for position in positions:
        book.take_in(position, DAY)
    return book


def test_trades_count_from_their_first_fill_and_losses_when_they_are_made() -> None:
    book = a_book(
        a_pending_position(1),
        a_position(2),
        a_closed_position(3, net_paise=-500_00),
        a_closed_position(4, net_paise=900_00),
        a_closed_position(5, net_paise=-1, index_key="SENSEX"),
    )

    assert book.tallies == (IndexTally("NIFTY", 3, 500_00), IndexTally("SENSEX", 1, 1))


def test_a_position_taken_in_again_replaces_itself() -> None:
    book = a_book(a_position(1))

    changes = [book.take_in(one, DAY) for one in (a_position(1), a_closed_position(1, net_paise=-7_00))]

    assert changes == [False, True]
    assert book.tallies == (IndexTally("NIFTY", 1, 7_00),)


@pytest.mark.parametrize(("position", "has_traded"), [(a_pending_position(), False), (a_position(), True)])
def test_nothing_was_traded_before_the_first_fill(position: Position, has_traded: bool) -> None:
    assert a_book(position).has_traded is has_traded


def test_the_result_counts_every_charge_and_every_sale() -> None:
    half = OrderTotals(an_exit_order().id, OrderSide.SELL, 2 * LOT, LOT, LOT * 110_00, 30_00, is_final=False)
    partly_sold = a_position(1, quantity=2 * LOT, orders=(bought(2 * LOT), half))

    book = a_book(partly_sold, a_closed_position(2, net_paise=-100_00))

    assert book.realised_net_paise == LOT * 10_00 - 25_00 - 30_00 - 100_00


def test_the_open_rest_is_worth_its_bid_less_the_sale() -> None:
    position = a_position(entry_paise=100_00)
    cost = charges_of_order(OrderSide.SELL, LOT * 95_00, charges().rates(Exchange.NSE, DAY)).total_paise

    assert unrealised_net_paise(position, 95_00, charges(), DAY) == -LOT * 5_00 - cost


def test_what_is_sold_has_no_open_rest() -> None:
    assert unrealised_net_paise(a_closed_position(), 95_00, charges(), DAY) == 0


@given(bid_paise=st.integers(5, 300_00), quantity=st.integers(1, 40))
def test_selling_at_that_bid_makes_the_result_that_was_told(bid_paise: int, quantity: int) -> None:
    position = a_position(quantity=quantity * LOT)
    turnover = quantity * LOT * bid_paise
    cost = charges_of_order(OrderSide.SELL, turnover, charges().rates(Exchange.NSE, DAY)).total_paise
    sale = OrderTotals(
        an_exit_order().id, OrderSide.SELL, quantity * LOT, quantity * LOT, turnover, cost, is_final=True
    )
    sold = a_position(quantity=quantity * LOT, orders=(*position.orders, sale))

    told = a_book(position).realised_net_paise + unrealised_net_paise(position, bid_paise, charges(), DAY)

    assert told == a_book(sold).realised_net_paise


@pytest.mark.parametrize(("starting_paise", "is_tripped"), [(10_000_00, True), (10_017_00, False), (None, False)])
def test_the_day_is_held_against_its_starting_balance(starting_paise: int | None, is_tripped: bool) -> None:
    book = a_book(a_closed_position(net_paise=-600_00))

    verdict = day_verdict(book, (), starting_paise, charges(), DAY, 600)

    assert (verdict.is_tripped, verdict.day_net_paise) == (is_tripped, -600_00)


def test_every_day_has_its_rates() -> None:
    assert unrealised_net_paise(a_position(), 95_00, charges(), date(2025, 1, 2)) < 0


def test_a_position_carried_over_is_no_trade_of_today_and_its_loss_is() -> None:
    book = DayBook()

    book.take_in(a_closed_position(net_paise=-500_00, opened_at=ELEVEN - timedelta(days=1)), DAY)

    assert book.tallies == (IndexTally("NIFTY", 0, 500_00),)
