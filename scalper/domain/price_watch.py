"""When the price of a held security has to be asked for elsewhere.

Source: REQUIREMENTS 9.1 (stale prices).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from scalper.domain.exits import is_price_fresh
from scalper.domain.times import us_from

#: How often a quote is asked for while the price stays too old.
QUOTE_EVERY = timedelta(seconds=10)


class Step(StrEnum):
    """What to do about the price now."""

    NOTHING = "NOTHING"
    ASK = "ASK"
    ASK_AND_TELL = "ASK_AND_TELL"


class PriceWatch:
    """Follows the age of one security's price."""

    def __init__(self) -> None:
        self._asked_at: datetime | None = None

    def step(self, tick_at_us: int, at: datetime, *, is_open: bool) -> Step:
        """Ask every ten seconds while the price is too old to decide on; tell somebody the first time.

        Args:
            tick_at_us: When the last price was made; 0 = there was none.
            at: Now.
            is_open: The market is: at other times an old price is no news.
        """
        if not is_open or is_price_fresh(tick_at_us, us_from(at)):
            self._asked_at = None
            return Step.NOTHING
        if self._asked_at is not None and at - self._asked_at < QUOTE_EVERY:
            return Step.NOTHING
        is_first = self._asked_at is None
        self._asked_at = at
        return Step.ASK_AND_TELL if is_first else Step.ASK
