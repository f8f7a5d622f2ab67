"""What was read, as a terminal shows it: tables that fit into 100 columns, and lines for letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from scalper.domain.units import paise_from_rupees
from scalper.view_text import ASIDE, GAIN, LOSS, UNKNOWN, gain_style, rupees

if TYPE_CHECKING:
    from scalper.replay import ReplayReport

#: One block of text: a line, or a table.
Block = Text | Table


def money(value: float | None, *, is_signed: bool = False) -> Text:
    """Rupees with their colour when they are a result; `-` when not known."""
    if value is None:
        return Text(UNKNOWN, style=ASIDE)
    paise = paise_from_rupees(value)
    return Text(rupees(paise, is_signed=is_signed), style=gain_style(paise) if is_signed else "")


def clock(iso: str | None, digits: int = 0) -> str:
    """The time of the day of an ISO time, with this many digits of a second."""
    if iso is None:
        return UNKNOWN
    at = datetime.fromisoformat(iso)
    return f"{at:%H:%M:%S}" + (f"{at:.%f}"[: digits + 1] if digits else "")


def table(*columns: str, right: Sequence[str] = (), wide: Sequence[str] = (), gap: int = 2) -> Table:
    """A table without lines around it.

    Args:
        columns: Heads.
        right: Heads of the columns that hold figures.
        wide: Heads of the columns that share what is left of the width, and break into lines.
        gap: Blanks between columns.
    """
    made = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold", expand=bool(wide))
    for column in columns:
        is_wide = column in wide
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=not is_wide,
            ratio=1 if is_wide else None,
            overflow="fold" if is_wide else "ellipsis",
        )
    return made


def head(text: str) -> Text:
    """The line that a section begins with."""
    return Text(text, style="bold underline")


def positions_text(told: dict[str, Any]) -> Iterable[Block]:
    """The positions of a day."""
    yield Text.assemble(
        (told["day"], "bold"), f"  {told['market']} market, seed {told['seed']}, {told['state'].lower()}"
    )
    yield Text()
    if not told["positions"]:
        yield Text("no position")
    else:
        yield _positions_table(told["positions"])
    yield Text()
    yield Text.assemble("open ", str(told["open_positions"]), "   realised net ", money(_net(told), is_signed=True))


def _net(told: dict[str, Any]) -> float:
    return float(told["realised_net_rupees"])


def _positions_table(positions: list[dict[str, Any]]) -> Table:
    figures = ("#", "QTY", "PRICE", "STOP", "NET")
    made = table("#", "POSITION", "QTY", "TIME", "PRICE", "STOP", "NET", "STATUS", right=figures, wide=("STATUS",))
    for one in positions:
        is_open = one["open_quantity"] > 0
        made.add_row(
            str(one["id"]),
            one["symbol"],
            str(one["quantity"]),
            Text(f"{clock(one['entry_at'])}\n{clock(one['exit_at'])}"),
            Text.assemble(money(one["entry_price"]), "\n", money(one["exit_price"])),
            Text.assemble(money(one["stop_price"]), "\n", (one["stop_source"] or "", ASIDE)),
            money(one["mark_rupees"] if is_open else one["net_rupees"], is_signed=True),
            Text(f"{one['status']}\n{_ending(one)}"),
        )
    return made


def _ending(one: dict[str, Any]) -> str:
    """What ended it; of one that is open, what its figure is worth."""
    if one["status"] == "ACTIVE":
        return "before charges"
    return str(one["exit_tag"] or one["cancel_reason"] or "")


def points(value: float | None) -> str:
    """An ADX or DI; `-` when not known."""
    return UNKNOWN if value is None else f"{value:.1f}"


def signals_text(told: dict[str, Any]) -> Iterable[Block]:
    """Every evaluation of a day, and the funnel."""
    yield Text(f"{told['day']}: each closed candle, what both timeframes said, what became of it", style="bold")
    figures = ("CLOSE", "ADX", "5m ADX", "LINE", "5m LINE")
    made = table(
        "CLOSED",
        "INDEX",
        "CLOSE",
        "1m",
        "ADX",
        "LINE",
        "5m",
        "5m ADX",
        "5m LINE",
        "VERDICT",
        right=figures,
        wide=("VERDICT",),
        gap=1,
    )
    for one in told["evaluations"]:
        made.add_row(
            clock(one["closed_at"])[:5],
            one["index"],
            f"{one['close']:.2f}",
            *_reading_cells(one["primary"]),
            *_reading_cells(one["confirmation"]),
            _verdict(one),
        )
    yield made
    yield Text()
    yield from _funnel_lines(told["funnel"])


def _reading_cells(reading: dict[str, Any] | None) -> tuple[str | Text, ...]:
    if reading is None:
        return (UNKNOWN,) * 3
    short = {"bullish": Text("bull", style=GAIN), "bearish": Text("bear", style=LOSS)}
    line = reading["supertrend"]
    trend = short.get(reading["trend"] or "", Text(UNKNOWN))
    return trend, points(reading["adx"]), f"{line:.2f}" if line is not None else UNKNOWN


def _verdict(one: dict[str, Any]) -> Text:
    """Why nothing came of the candle, or what did."""
    if not one["is_signal"]:
        return Text((one["reason"] or one["verdict"]).lower(), style=ASIDE)
    if not one["intents"]:
        return Text("signal, nobody has decided on it")
    return Text("; ").join(_outcome(intent) for intent in one["intents"])


def _outcome(intent: dict[str, Any]) -> Text:
    if intent["status"] != "REJECTED":
        return Text(f"{intent['status'].lower()} {intent['tag']}", style="bold")
    measured = f" ({intent['measured']})" if intent["measured"] else ""
    return Text(f"{intent['reason']}{measured}")


def _funnel_lines(funnel: dict[str, Any]) -> Iterable[Block]:
    yield head("FUNNEL")
    yield Text(f"{funnel['evaluations']:>6}  candles evaluated")
    for reason, count in funnel["avoided"].items():
        yield Text(f"{count:>6}    avoided: {reason.lower()}", style=ASIDE)
    yield Text(f"{funnel['signals']:>6}  signals")
    for reason, count in funnel["refused"].items():
        yield Text(f"{count:>6}    refused: {reason}", style=ASIDE)
    if funnel["failed"]:
        yield Text(f"{funnel['failed']:>6}    failed at the broker", style=ASIDE)
    yield Text(f"{funnel['entries']:>6}  entries")


def replay_text(report: ReplayReport) -> Iterable[Block]:
    """What a replay found; of a difference, both sides in full."""
    yield Text(f"replayed {report.folder}: {report.letters} letters in {_counted(len(report.runs), 'part')}")
    yield Text(f"compared {report.compared} letters of {len(report.actors)} actors: {', '.join(report.actors)}")
    if report.unhandled:
        yield Text(f"{report.unhandled} letters at a broken-off end had not been handled", style=ASIDE)
    found = report.difference
    if found is None:
        yield Text("no difference", style=GAIN)
        return
    yield Text(f"first difference: part {found.part}, {found.actor}, handling letter {found.seq}", style=LOSS)
    yield Text(f"handled   {found.handled}")
    yield Text(f"expected  {found.expected or 'no letter'}")
    yield Text(f"found     {found.found or 'no letter'}")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
