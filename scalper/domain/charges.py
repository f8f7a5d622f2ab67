"""What the broker, the exchange and the state take of one executed order of index options.

Turnover is premium: quantity x price summed over the fills of the order. Rates are integer parts per billion of it, so
that 0.03503 % is exactly 350 300; every component is rounded to the paisa on its own, halves away from zero.

Source: REQUIREMENTS 15.2 (P&L net of charges); rates and their dates are data, see conf/charges.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from scalper.domain.units import round_half_away

if TYPE_CHECKING:
    from scalper.domain.orders import OrderSide

#: Parts in one whole.
PPB = 1_000_000_000


class Exchange(StrEnum):
    """Where the option is traded; its fees differ."""

    NSE = "NSE"
    BSE = "BSE"


def exchange_of(segment: str) -> Exchange:
    """The exchange of an option segment such as `NSE_FNO`.

    Raises:
        ValueError: The segment belongs to neither exchange.
    """
    try:
        return Exchange(segment.upper().partition("_")[0])
    except ValueError:
        raise ValueError(f"charges are known for NSE and BSE segments, got segment {segment!r}") from None


class ChargeRates(msgspec.Struct, frozen=True, kw_only=True):
    """The rates that hold on one exchange on one day.

    Attributes:
        brokerage_paise: Flat, for each order that was executed at all.
        stt_ppb: Securities transaction tax, on what is sold.
        exchange_ppb: Transaction charge of the exchange.
        sebi_ppb: Turnover fee of the regulator.
        stamp_ppb: Stamp duty, on what is bought.
        ipft_ppb: Investor protection fund of the exchange.
        gst_ppb: Tax on brokerage, exchange charge and regulator's fee together.
    """

    brokerage_paise: int
    stt_ppb: int
    exchange_ppb: int
    sebi_ppb: int
    stamp_ppb: int
    ipft_ppb: int
    gst_ppb: int


class Charges(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken, in paise by component; sums and differences are by component too."""

    brokerage: int = 0
    stt: int = 0
    exchange: int = 0
    sebi: int = 0
    stamp: int = 0
    ipft: int = 0
    gst: int = 0

    @property
    def total_paise(self) -> int:
        """All components together."""
        return self.brokerage + self.stt + self.exchange + self.sebi + self.stamp + self.ipft + self.gst

    def __add__(self, other: Charges) -> Charges:
        """Component by component."""
        return self._combined(other, 1)

    def __sub__(self, other: Charges) -> Charges:
        """Component by component."""
        return self._combined(other, -1)

    def _combined(self, other: Charges, sign: int) -> Charges:
        return Charges(
            brokerage=self.brokerage + sign * other.brokerage,
            stt=self.stt + sign * other.stt,
            exchange=self.exchange + sign * other.exchange,
            sebi=self.sebi + sign * other.sebi,
            stamp=self.stamp + sign * other.stamp,
            ipft=self.ipft + sign * other.ipft,
            gst=self.gst + sign * other.gst,
        )


#: An order of which nothing was executed costs nothing.
NO_CHARGES = Charges()


def charges_of_order(side: OrderSide, turnover_paise: int, rates: ChargeRates) -> Charges:
    """The charges of one order, for all it has executed so far.

    Args:
        side: STT is on sales, stamp duty on purchases.
        turnover_paise: Quantity x price over all fills of the order, >= 0; 0 when nothing was executed.
        rates: Rates of the exchange and the day.

    Raises:
        ValueError: The turnover is negative.
    """
    if turnover_paise < 0:
        raise ValueError(f"turnover cannot be negative, got {turnover_paise} paise")
    if turnover_paise == 0:
        return NO_CHARGES
    is_sale = side == "SELL"
    exchange = round_half_away(turnover_paise * rates.exchange_ppb, PPB)
    sebi = round_half_away(turnover_paise * rates.sebi_ppb, PPB)
    return Charges(
        brokerage=rates.brokerage_paise,
        stt=round_half_away(turnover_paise * rates.stt_ppb, PPB) if is_sale else 0,
        exchange=exchange,
        sebi=sebi,
        stamp=0 if is_sale else round_half_away(turnover_paise * rates.stamp_ppb, PPB),
        ipft=round_half_away(turnover_paise * rates.ipft_ppb, PPB),
        gst=round_half_away((rates.brokerage_paise + exchange + sebi) * rates.gst_ppb, PPB),
    )


def charges_delta(before: Charges, after: Charges) -> Charges:
    """What one more fill of an order has added; the deltas of all fills sum to the charges of the order.

    Args:
        before: `charges_of_order` of the turnover before the fill.
        after: The same with the fill.
    """
    return after - before


#: Rates of one component by the first day they hold on: paise of the brokerage, parts per billion of the others.
DatedRates = Mapping[date, int]


class ChargeTable:
    """All rates by component and date; those of fees that differ between exchanges by exchange.

    Args:
        brokerage_paise, stt_ppb, sebi_ppb, stamp_ppb, gst_ppb: Dated rates that hold everywhere.
        exchange_ppb, ipft_ppb: Dated rates by exchange.

    Raises:
        ValueError: A component has no row, or a rate is negative.
    """

    def __init__(
        self,
        *,
        brokerage_paise: DatedRates,
        stt_ppb: DatedRates,
        sebi_ppb: DatedRates,
        stamp_ppb: DatedRates,
        gst_ppb: DatedRates,
        exchange_ppb: Mapping[Exchange, DatedRates],
        ipft_ppb: Mapping[Exchange, DatedRates],
    ) -> None:
        common = {"brokerage": brokerage_paise, "stt": stt_ppb, "sebi": sebi_ppb, "stamp": stamp_ppb, "gst": gst_ppb}
        self._rows: dict[tuple[Exchange, str], DatedRates] = {}
        for venue in Exchange:
            own = {"exchange": exchange_ppb.get(venue, {}), "ipft": ipft_ppb.get(venue, {})}
            for component, rows in (common | own).items():
                _require_rates(component, venue, rows)
                self._rows[venue, component] = dict(sorted(rows.items()))
        self._known: dict[tuple[Exchange, date], ChargeRates] = {}

    def rates(self, exchange: Exchange, day: date) -> ChargeRates:
        """The rates that hold on `exchange` on `day`.

        Raises:
            ValueError: The day lies before the first row of a component; names both.
        """
        if (exchange, day) not in self._known:
            self._known[exchange, day] = ChargeRates(
                brokerage_paise=self._rate(exchange, "brokerage", day),
                stt_ppb=self._rate(exchange, "stt", day),
                exchange_ppb=self._rate(exchange, "exchange", day),
                sebi_ppb=self._rate(exchange, "sebi", day),
                stamp_ppb=self._rate(exchange, "stamp", day),
                ipft_ppb=self._rate(exchange, "ipft", day),
                gst_ppb=self._rate(exchange, "gst", day),
            )
        return self._known[exchange, day]

    def _rate(self, exchange: Exchange, component: str, day: date) -> int:
        rows = self._rows[exchange, component]
        held = [rate for first_day, rate in rows.items() if first_day <= day]
        if not held:
            first_day = next(iter(rows))
            raise ValueError(f"no {component} rate of {exchange} for {day}: the first row begins on {first_day}")
        return held[-1]


def _require_rates(component: str, exchange: Exchange, rows: DatedRates) -> None:
    if not rows:
        raise ValueError(f"no {component} rate of {exchange} at all: expected at least one row")
    for first_day, rate in rows.items():
        if rate < 0:
            raise ValueError(f"{component} rate of {exchange} from {first_day} cannot be negative, got {rate}")
