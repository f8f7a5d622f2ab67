"""The ticks of the last few minutes."""

from __future__ import annotations

from scalper.domain.quotes import MINUTE_US, Tick
from scalper.tape.minutes import QUOTE_LOOK_BACK_MINUTES, RecentMinutes

FIRST = 1_768_275_900_000_000


class Source:
    """Makes one tick in the middle of each minute and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def made(self, minute_us: int) -> tuple[Tick, ...]:
        self.asked.append(minute_us)
        return (Tick("IDX_I:13", minute_us + MINUTE_US // 2, 100),)


def test_minute_is_made_once_for_player_and_reader() -> None:
    source = Source()
    recent = RecentMinutes(source.made)

    played = recent.ticks(FIRST)
    quote = recent.last("IDX_I:13", FIRST + MINUTE_US - 1)

    assert played == (quote,)
    assert source.asked == [FIRST]


def test_no_more_minutes_are_kept_than_a_quote_looks_back_over() -> None:
    source = Source()
    recent = RecentMinutes(source.made)
    minutes = [FIRST + k * MINUTE_US for k in range(100)]
    for minute_us in minutes:
        recent.ticks(minute_us)
    source.asked.clear()

    recent.last("IDX_I:1", minutes[-1])
    recent.ticks(minutes[-QUOTE_LOOK_BACK_MINUTES - 3])

    assert source.asked == [minutes[-QUOTE_LOOK_BACK_MINUTES - 3]]
