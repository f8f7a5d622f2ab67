"""Figures and lines as a terminal shows them: rupees, percents, cells of a fixed width."""

from __future__ import annotations

from datetime import timedelta

from rich.text import Text

#: From this many columns on the wide columns are used; below, 80 are enough.
WIDE_COLUMNS = 100
#: Stands where nothing is known.
UNKNOWN = "-"
GAIN, LOSS, ALARM, ASIDE, HEADING = "green", "red", "bold magenta", "dim", "bold underline"


def rupees(paise: int, *, is_signed: bool = False) -> str:
    """`1,23,456.70` of 12345670 paise; signed, `+1,23,456.70` (nothing is neither more nor less: `0.00`)."""
    whole, part = divmod(abs(paise), 100)
    sign = "-" if paise < 0 else "+" if is_signed and paise > 0 else ""
    return f"{sign}{_grouped(whole)}.{part:02d}"


def _grouped(whole: int) -> str:
    """Digits as India groups them: the last three, then pairs."""
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    pairs: list[str] = []
    while head:
        head, pair = head[:-2], head[-2:]
        pairs.insert(0, pair)
    return ",".join([*pairs, tail])


def change_pct(now: int, before: int, decimals: int = 1) -> str:
    """`+8.5%`: how far `now` is from `before`, signed; `-` when `before` is not above 0."""
    return f"{(now - before) * 100 / before:+.{decimals}f}%" if before > 0 else UNKNOWN


def countdown(left: timedelta) -> str:
    """`4:28:53` until something; never below `0:00:00`."""
    seconds = max(int(left.total_seconds()), 0)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def gain_style(paise: int) -> str:
    """The colour of a result."""
    return GAIN if paise > 0 else LOSS if paise < 0 else ""


def cell(text: str, width: int, style: str = "", *, is_right: bool = False) -> Text:
    """Text of exactly `width` columns; what does not fit ends in an ellipsis."""
    made = Text(text, style=style, no_wrap=True, end="")
    made.truncate(width, overflow="ellipsis")
    made.align("right" if is_right else "left", width)
    return made


def figure(text: str, width: int, style: str = "") -> Text:
    """A cell whose text ends at its right edge, as numbers do."""
    return cell(text, width, style, is_right=True)


def row(*cells: Text) -> Text:
    """One line of cells with a blank between."""
    return Text(" ", no_wrap=True, overflow="ellipsis").join(cells)


def labelled(*pairs: tuple[str, Text]) -> Text:
    """`cash 98,321.20   realised -1,979.64`: labels aside, values in their own style."""
    parts = [Text.assemble((f"{label} ", ASIDE), value) for label, value in pairs]
    return Text("   ", no_wrap=True, overflow="ellipsis").join(parts)


def spread(left: Text, right: Text, width: int) -> Text:
    """A line with something at either end; the left gives way."""
    room = max(width - right.cell_len - 1, 0)
    start = left.copy()
    start.truncate(room, overflow="ellipsis", pad=True)
    return row(start, right)


def heading(line: Text, width: int) -> Text:
    """The line that a block of lines begins with, across the whole width."""
    made = line.copy()
    made.truncate(width, overflow="ellipsis", pad=True)
    made.stylize_before(HEADING)
    return made
