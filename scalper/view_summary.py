"""The day's summary as a terminal shows it: trades, totals, refusals, and where to look next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.text import Text

from scalper.domain.units import paise_from_rupees
from scalper.view_text import ASIDE, UNKNOWN, cell, figure, gain_style, heading, labelled, row, rupees

#: Columns of the table of trades, and so of everything.
COLUMNS = 80
#: Widths of symbol, price, charges and result; with number and blanks no more than that together.
_NAME, _PRICE, _CHARGES, _RESULT = 26, 8, 8, 10


def summary_lines(summary: dict[str, Any]) -> list[Text]:
    """The one object that a run gives, for people; `summary` as `run_day` returns it, money in rupees."""
    return [
        *_title_lines(summary),
        *_trade_lines(summary["positions"]),
        *_refusal_lines(summary),
        *_place_lines(summary),
    ]


def _title_lines(summary: dict[str, Any]) -> list[Text]:
    day = datetime.fromisoformat(summary["day"])
    title = Text.assemble(
        (f"{day:%a %d %b %Y}", "bold"), f"  {summary['mode']}, {summary['market']} market, seed {summary['seed']}"
    )
    work = f"{summary['ticks']} ticks, {summary['letters']} letters in {summary['wall_s']:.1f} s ({summary['runtime']})"
    return [title, Text(work, style=ASIDE), Text("")]


def _trade_lines(positions: list[dict[str, Any]]) -> list[Text]:
    names = row(
        figure("#", 3),
        cell("TRADE", _NAME),
        *(figure(name, _PRICE) for name in ("ENTRY", "EXIT")),
        figure("GROSS", _RESULT),
        figure("CHARGES", _CHARGES),
        figure("NET", _RESULT),
    )
    lines = [heading(names, COLUMNS)]
    for position in positions:
        lines += [_money_line(position), _time_line(position)]
    return [*lines, _total_line(positions) if positions else Text("no trade"), Text("")]


def _money_line(position: dict[str, Any]) -> Text:
    return row(
        figure(str(position["id"]), 3),
        cell(position["symbol"], _NAME, "bold"),
        *(figure(_price(position[name]), _PRICE) for name in ("entry_price", "exit_price")),
        *_results(position["gross_rupees"], position["charges_rupees"], position["net_rupees"]),
    )


def _time_line(position: dict[str, Any]) -> Text:
    """Below the symbol how many, below each price its time, then the tag."""
    return row(
        figure("", 3),
        cell(f"{position['quantity']} units", _NAME, ASIDE),
        *(figure(_clock(position[name]), _PRICE, ASIDE) for name in ("entry_at", "exit_at")),
        Text(position["exit_tag"] or "still open", style=ASIDE),
    )


def _total_line(positions: list[dict[str, Any]]) -> Text:
    closed = [one for one in positions if one["exit_tag"]]
    won = sum(one["net_rupees"] > 0 for one in closed)
    sums = [sum(paise_from_rupees(one[f"{name}_rupees"]) for one in closed) for name in ("gross", "charges", "net")]
    words = f"{len(closed)} closed, {won} of them with a profit"
    return row(cell(words, 3 + _NAME + 2 * _PRICE + 3, "bold"), *_results(*(paise / 100 for paise in sums)))


def _results(gross: float, charges: float, net: float) -> tuple[Text, Text, Text]:
    gross_paise, charges_paise, net_paise = (paise_from_rupees(each) for each in (gross, charges, net))
    return (
        figure(rupees(gross_paise, is_signed=True), _RESULT),
        figure(rupees(charges_paise), _CHARGES),
        figure(rupees(net_paise, is_signed=True), _RESULT, f"bold {gain_style(net_paise)}".strip()),
    )


def _price(price: float | None) -> str:
    return UNKNOWN if price is None else rupees(paise_from_rupees(price))


def _clock(at: str | None) -> str:
    return UNKNOWN if at is None else f"{datetime.fromisoformat(at):%H:%M:%S}"


def _refusal_lines(summary: dict[str, Any]) -> list[Text]:
    refusals: dict[str, int] = summary["refusals"]
    often = sorted(refusals.items(), key=lambda pair: (-pair[1], pair[0]))
    title = Text(f"REFUSED {sum(refusals.values())}  of {summary['signals']} signals")
    return [heading(title, COLUMNS), *(row(figure(str(count), 5), Text(why)) for why, count in often), Text("")]


def _place_lines(summary: dict[str, Any]) -> list[Text]:
    """Where everything is kept, and what can be asked next."""
    lines = [
        labelled(("message log", Text(summary["message_log"]))),
        labelled(("database", Text(summary["database"]))),
    ]
    if summary["open_positions"]:
        text = f"open positions: {summary['open_positions']}; the same command again takes them up"
        return [*lines, Text(text, style="bold red")]
    if not summary["positions"]:
        return [*lines, labelled(("next", Text("bin/scalper why --signals")))]
    return [*lines, labelled(("next", Text(f"bin/scalper why {summary['positions'][0]['id']}")))]
