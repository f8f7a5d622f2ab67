"""What the terminal shows of positions: those that are open with their stops, and those that are no more."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from rich.text import Text

from scalper.actors.dashboard import Picture
from scalper.actors.messages.positions import PositionTrailed
from scalper.domain.charges import ChargeTable
from scalper.domain.day_book import unrealised_net_paise
from scalper.domain.positions import Position, PositionStatus
from scalper.domain.units import round_half_away
from scalper.view_text import ASIDE, UNKNOWN, WIDE_COLUMNS, cell, change_pct, figure, gain_style, heading, row, rupees


class _Columns(NamedTuple):
    """Widths of the blocks about positions; with the blanks between, 100 columns or 80."""

    symbol: int
    price: int
    stop: int
    net: int
    tag: int
    is_wide: bool


_WIDE = _Columns(symbol=26, price=10, stop=14, net=14, tag=18, is_wide=True)
_NARROW = _Columns(symbol=24, price=8, stop=8, net=10, tag=20, is_wide=False)


def _columns(width: int) -> _Columns:
    return _WIDE if width >= WIDE_COLUMNS else _NARROW


def open_lines(picture: Picture, charges: ChargeTable, day: date, width: int) -> list[Text]:
    """Two lines a position: prices and the result of selling now; below, each price against the entry."""
    columns = _columns(width)
    held = [one for one in picture.positions if one.is_open]
    names = row(
        cell(f"OPEN {len(held)}", columns.symbol),
        *(figure(name, columns.price) for name in ("ENTRY", "LTP")),
        figure("STOP", columns.stop),
        *(figure(name, columns.price) for name in ("TARGET", "HIGH")),
        figure("NET AT BID", columns.net),
    )
    lines = [heading(names, width)]
    for position in held:
        mark = picture.marks.get(position.id)
        net_paise = net_at_bid_paise(position, mark, charges, day)
        lines += [_price_line(position, mark, net_paise, columns), _distance_line(position, mark, columns)]
    return lines


def net_at_bid_paise(position: Position, mark: PositionTrailed | None, charges: ChargeTable, day: date) -> int | None:
    """Net result of the position if all of it were sold at the bid now; None while it has no price.

    As in the circuit, the LTP stands in for a bid that is missing. Source: REQUIREMENTS 15.2.
    """
    if mark is None or position.quantity <= 0:
        return None
    bid_paise = mark.bid_paise or mark.ltp_paise
    return position.net_paise + unrealised_net_paise(position, bid_paise, charges, day)


def _price_line(position: Position, mark: PositionTrailed | None, net_paise: int | None, columns: _Columns) -> Text:
    trail = mark.trail if mark is not None else position.trail
    prices = (position.entry_price_paise, mark.ltp_paise if mark is not None else 0)
    stop, high = (trail.stop_paise, trail.hwm_ltp_paise) if trail is not None else (0, 0)
    return row(
        cell(_symbol(position, columns), columns.symbol, "bold"),
        *(figure(_price(each), columns.price) for each in prices),
        figure(_price(stop), columns.stop),
        *(figure(_price(each), columns.price) for each in (position.target_paise, high)),
        _net(net_paise, columns.net, "bold"),
    )


def _distance_line(position: Position, mark: PositionTrailed | None, columns: _Columns) -> Text:
    trail = mark.trail if mark is not None else position.trail
    entry = position.entry_price_paise

    def gap(paise: int) -> str:
        return change_pct(paise, entry) if paise and entry else ""

    stop = "" if trail is None else str(trail.stop_source)
    if trail is not None and columns.is_wide:
        stop += f" {gap(trail.stop_paise)}"
    bid = mark.bid_paise if mark is not None else 0
    return row(
        cell(_holding(position), columns.symbol, ASIDE),
        figure("", columns.price),
        figure(gap(mark.ltp_paise if mark is not None else 0), columns.price, ASIDE),
        figure(stop, columns.stop, ASIDE),
        figure(gap(position.target_paise), columns.price, ASIDE),
        figure(gap(trail.hwm_ltp_paise if trail is not None else 0), columns.price, ASIDE),
        figure(_price(bid) if bid else "no bid", columns.net, ASIDE),
    )


def _symbol(position: Position, columns: _Columns) -> str:
    """In full; narrow, without the century, so that strike and type are never cut off."""
    symbol = position.instrument.symbol
    expiry = position.instrument.expiry
    if columns.is_wide or expiry is None:
        return symbol
    return symbol.replace(f"{expiry:%Y}-", f"{expiry:%y}-", 1)


def _holding(position: Position) -> str:
    """`long CE 30 since 10:16`; before the first fill, what was ordered."""
    side = f"long {position.instrument.option_type}"
    if position.status is PositionStatus.PENDING or position.opened_at is None:
        return f"{side} {position.ordered_quantity} pending"
    return f"{side} {position.quantity} since {position.opened_at:%H:%M}"


def _price(paise: int) -> str:
    return rupees(paise) if paise else UNKNOWN


def _net(paise: int | None, width: int, style: str = "") -> Text:
    if paise is None:
        return figure(UNKNOWN, width, ASIDE)
    return figure(rupees(paise, is_signed=True), width, f"{style} {gain_style(paise)}".strip())


def closed_lines(picture: Picture, width: int) -> list[Text]:
    """One line a position that is no more, the newest first."""
    columns = _columns(width)
    closed = [one for one in picture.positions if not one.is_open]
    times = "FROM - TO" if columns.is_wide else "TO"
    names = row(
        cell(f"CLOSED {len(closed)}", columns.symbol),
        *([figure("QTY", 5)] if columns.is_wide else []),
        figure(times, 11 if columns.is_wide else 5),
        figure("ENTRY", columns.price),
        figure("EXIT", columns.price),
        cell("TAG", columns.tag),
        figure("NET", columns.net),
    )
    newest = sorted(closed, key=lambda one: (one.updated_at, one.id), reverse=True)
    return [heading(names, width), *(_closed_line(one, columns) for one in newest)]


def _closed_line(position: Position, columns: _Columns) -> Text:
    sold = position.sold_quantity
    exit_paise = round_half_away(position.sold_value_paise, sold) if sold else 0
    begun, ended = (f"{each:%H:%M}" if each else UNKNOWN for each in (position.opened_at, position.exited_at))
    times = f"{begun}-{ended}" if columns.is_wide and sold else ended
    return row(
        cell(_symbol(position, columns), columns.symbol),
        *([figure(str(position.bought_quantity), 5)] if columns.is_wide else []),
        figure(times, 11 if columns.is_wide else 5),
        figure(_price(position.entry_price_paise), columns.price),
        figure(_price(exit_paise), columns.price),
        cell(position.exit_tag or position.cancel_reason, columns.tag),
        _net(position.net_paise, columns.net),
    )
