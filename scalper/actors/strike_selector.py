"""Which contract stands for a direction: at the money of the policy's expiry, from the day's master.

Owns: nothing that lasts; picks that wait for a price.
Receives: DirectionFound, TicksFound.
Sends: GetTicks to TickCache; StrikesPicked, with no picks and the reason where there are none.
Recovers from: the day's master; a direction in hand is lost and comes again with the next candle.
Limits: one waiting pick an index.
"""

from __future__ import annotations

from datetime import date

from scalper.actors.messages.feed import GetTicks, TicksFound
from scalper.actors.messages.signals import DirectionFound, Pick, StrikesPicked
from scalper.domain.instruments import Instrument
from scalper.domain.picks import PickRules, at_the_money
from scalper.runtime.actor import Actor, Link, receives


class StrikeSelector(Actor):
    """Turns a direction into a contract."""

    def __init__(
        self, link: Link, *, day: date, contracts: tuple[Instrument, ...], rules: dict[str, PickRules]
    ) -> None:
        """`contracts`: every option of the day; `rules`: of each index key."""
        super().__init__(link)
        self._day = day
        self._contracts = contracts
        self._rules = rules
        self._waiting: dict[str, tuple[DirectionFound, Instrument]] = {}

    @receives(DirectionFound)
    def on_direction(self, found: DirectionFound) -> None:
        contract, reason = at_the_money(
            self._contracts,
            index_key=found.index_key,
            direction=found.direction,
            spot_paise=found.close_paise,
            day=self._day,
            rules=self._rules[found.index_key],
        )
        if contract is None:
            self.publish(StrikesPicked(at=found.at, found=found, picks=(), reason=reason))
            return
        self._waiting[found.index_key] = (found, contract)
        query = GetTicks(at=found.at, request=_request_of(found, contract), reply_to=self.name, keys=(contract.key,))
        self.send("tick_cache", query)

    @receives(TicksFound)
    def on_ticks(self, answer: TicksFound) -> None:
        """An answer about a contract that another direction has replaced prices nothing."""
        index_key = answer.request.partition("/")[0]
        waiting = self._waiting.get(index_key)
        if waiting is None or _request_of(*waiting) != answer.request:
            return
        del self._waiting[index_key]
        found, contract = waiting
        tick = answer.ticks[0]
        pick = Pick(instrument=contract, ltp_paise=tick.ltp_paise if tick is not None else 0)
        self.publish(StrikesPicked(at=answer.at, found=found, picks=(pick,)))


def _request_of(found: DirectionFound, contract: Instrument) -> str:
    return f"{found.index_key}/{contract.key}"
