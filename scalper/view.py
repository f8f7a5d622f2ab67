"""The live terminal: one screen that is drawn anew a few times a second, and the day's summary after it."""

from __future__ import annotations

import io
import sys
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from scalper.actors.dashboard import Picture
from scalper.desk import Desk
from scalper.domain.charges import ChargeTable
from scalper.run import Onlooker
from scalper.runtime.clock import monotonic_s
from scalper.tape.market import Market
from scalper.view_parts import (
    Scene,
    account_lines,
    header_lines,
    index_lines,
    news_lines,
    refusal_lines,
)
from scalper.view_positions import closed_lines, open_lines
from scalper.view_summary import summary_lines

#: Eight looks a second: more than an eye can follow, and next to nothing to compute.
LOOK_EVERY_S = 0.125
#: Wider lines are harder to read along, taller screens leave a hole.
COLUMNS_MAX, LINES_MAX = 110, 40
#: From this height on a blank line stands between the blocks.
AIRY_LINES = 34
#: Pieces of text that are kept for standard error; the log file has all of them.
PIECES_KEPT = 500


class HeldText(io.TextIOBase):
    """Keeps what is written, from whatever thread, so that it does not run across the screen."""

    def __init__(self) -> None:
        self._pieces: deque[str] = deque(maxlen=PIECES_KEPT)

    def write(self, text: str, /) -> int:
        self._pieces.append(text)
        return len(text)

    def taken(self) -> str:
        """Everything kept; it is not kept any longer."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text


class TerminalView(Onlooker):
    """Shows the run on a terminal; a context manager, so that the terminal is given back whatever happens.

    Args:
        charges: What closing a position would cost.
        speed: Multiple of the wall clock; None = as fast as may be.
        console: Where to draw; standard output when None.
        stopwatch_s: Seconds of the wall clock, for the pace of the looks.
    """

    def __init__(
        self,
        charges: ChargeTable,
        speed: float | None,
        *,
        console: Console | None = None,
        stopwatch_s: Callable[[], float] = monotonic_s,
    ) -> None:
        self._charges = charges
        self._speed = speed
        self._console = console or Console()
        self._stopwatch_s = stopwatch_s
        self._scene: Scene | None = None
        self._live: Live | None = None
        self._held = HeldText()
        self._stack = ExitStack()
        self._next_look_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(self, desk: Desk, market: Market, resumed_at: datetime | None) -> None:
        """Take the screen over; what goes to the terminal by standard error waits for its return."""
        self._scene = scene_of(desk, market, resumed_at, self._speed, self._charges)
        live = Live(
            console=self._console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        if sys.stderr.isatty():
            self._stack.callback(lambda: sys.stderr.write(self._held.taken()))
            self._stack.enter_context(redirect_stderr(self._held))
        self._live = self._stack.enter_context(live)

    def wants_a_look(self) -> bool:
        """Whether the last picture is old enough."""
        return self._live is not None and self._stopwatch_s() >= self._next_look_s

    def look(self, picture: Picture) -> None:
        """Draw it, in whatever size the terminal has now."""
        if self._live is None or self._scene is None:
            return
        size = self._console.size
        lines = screen_lines(self._scene, picture, size.width, size.height)
        self._live.update(Group(*lines), refresh=True)
        self._next_look_s = self._stopwatch_s() + LOOK_EVERY_S

    def close(self) -> None:
        """Give the screen back; harmless twice."""
        self._live = None
        self._stack.close()

    def end(self, summary: dict[str, Any]) -> None:
        """Print what the day came to, below whatever the terminal held before."""
        self.close()
        for line in summary_lines(summary):
            # Names of files stay in one piece, so that they can be picked up with the mouse.
            self._console.print(line, soft_wrap=True, highlight=False)


def scene_of(
    desk: Desk, market: Market, resumed_at: datetime | None, speed: float | None, charges: ChargeTable
) -> Scene:
    """What stays on the screen all day; the close to compare with is that of the candles to warm up with."""
    warm_up = {index_key: market.warm_up(key) for index_key, key in desk.index_keys.items()}
    return Scene(
        desk=desk,
        market_name=market.name,
        seed=market.seed,
        opens_at=market.opens_at,
        resumed_at=resumed_at,
        previous_close_paise={key: candles[-1].close_paise for key, candles in warm_up.items() if candles},
        speed=speed,
        charges=charges,
    )


def screen_lines(scene: Scene, picture: Picture, columns: int, lines: int) -> list[Text]:
    """The whole screen; where it is too small, closed positions go first, then refusals, news and indices."""
    width = min(columns, COLUMNS_MAX)
    blocks = {
        "header": header_lines(scene, picture, width),
        "indices": index_lines(scene, picture, width),
        "open": open_lines(picture, scene.charges, scene.desk.day, width),
        "closed": closed_lines(picture, width),
        "account": account_lines(scene, picture, width),
        "refusals": refusal_lines(picture, width),
        "news": news_lines(picture, width),
    }
    if lines >= AIRY_LINES:
        blocks = {name: block if name == "news" else [*block, Text("")] for name, block in blocks.items()}
    spare = min(lines, LINES_MAX) - sum(map(len, blocks.values()))
    for name in ("closed", "refusals", "news", "indices"):
        if spare < 0:
            before = len(blocks[name])
            blocks[name] = _cut(blocks[name], before + spare)
            spare += before - len(blocks[name])
    # What is below the positions stays where it is while positions come and go.
    blocks["closed"] += [Text("")] * max(spare, 0)
    return [line for block in blocks.values() for line in block][:lines]


def _cut(block: list[Text], length: int) -> list[Text]:
    """The first lines; a heading alone says nothing and goes too."""
    return block[:length] if length > 1 else []
