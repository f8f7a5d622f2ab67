"""Closed candles from ticks: minutes from ticks, longer intervals from minutes.

Source: REQUIREMENTS 5.2, 5.3: only closed candles ever leave this module.
"""

from __future__ import annotations

from scalper.domain.quotes import MINUTE_US, Candle, Tick

#: A minute without further ticks is closed this long after its end: late ticks of it may still arrive until then.
GRACE_US = 1_000_000


class MinuteBuilder:
    """Builds the minutes of one security from its ticks.

    Attributes:
        late: Ticks dropped because their minute was closed already.
    """

    def __init__(self, closed_until_us: int = 0) -> None:
        self.late = 0
        self._closed_until_us = closed_until_us
        self._start_us = 0
        self._open = self._high = self._low = self._close = 0
        self._volume_before: int | None = None
        self._volume = 0

    def add(self, tick: Tick) -> Candle | None:
        """Take in one tick; the minute before, when this tick begins a new one."""
        if tick.ltp_paise <= 0:
            return None
        start_us = tick.at_us // MINUTE_US * MINUTE_US
        if start_us < self._closed_until_us or start_us < self._start_us:
            self.late += 1
            return None
        closed = self._take() if self._start_us and start_us > self._start_us else None
        if not self._start_us:
            self._begin(start_us, tick)
        price = tick.ltp_paise
        self._high = max(self._high, price)
        self._low = min(self._low, price)
        self._close = price
        self._volume = max(self._volume, tick.volume)
        return closed

    def close_due(self, now_us: int) -> Candle | None:
        """The minute that ended at least the grace ago, once."""
        if self._start_us and now_us >= self._start_us + MINUTE_US + GRACE_US:
            return self._take()
        return None

    def _begin(self, start_us: int, tick: Tick) -> None:
        self._start_us = start_us
        self._open = self._high = self._low = tick.ltp_paise
        if self._volume_before is None:
            self._volume_before = self._volume = tick.volume

    def _take(self) -> Candle:
        before = self._volume_before or 0
        candle = Candle(
            start_us=self._start_us,
            open_paise=self._open,
            high_paise=self._high,
            low_paise=self._low,
            close_paise=self._close,
            volume=self._volume - before,
        )
        self._closed_until_us = self._start_us + MINUTE_US
        self._start_us = 0
        self._volume_before = self._volume
        return candle


class IntervalBuilder:
    """Builds longer candles of one security from its closed minutes; intervals begin on the hours of India."""

    #: India's clock is half an hour off the full UTC hour; intervals of 30 and 60 minutes begin on its own hours.
    _ZONE_US = (5 * 60 + 30) * MINUTE_US

    def __init__(self, interval_minutes: int) -> None:
        self._interval_us = interval_minutes * MINUTE_US
        self._minutes: list[Candle] = []

    def add(self, minute: Candle) -> tuple[Candle, ...]:
        """Take in one closed minute; the intervals that are over with it, at most two."""
        done: list[Candle] = []
        if self._minutes and self._bucket(minute) != self._bucket(self._minutes[0]):
            done.append(self._take())
        self._minutes.append(minute)
        if minute.start_us + MINUTE_US == self._bucket(minute) + self._interval_us:
            done.append(self._take())
        return tuple(done)

    def _bucket(self, minute: Candle) -> int:
        local_us = minute.start_us + self._ZONE_US
        return local_us // self._interval_us * self._interval_us - self._ZONE_US

    def _take(self) -> Candle:
        minutes = self._minutes
        self._minutes = []
        return Candle(
            start_us=self._bucket(minutes[0]),
            open_paise=minutes[0].open_paise,
            high_paise=max(minute.high_paise for minute in minutes),
            low_paise=min(minute.low_paise for minute in minutes),
            close_paise=minutes[-1].close_paise,
            volume=sum(minute.volume for minute in minutes),
        )
