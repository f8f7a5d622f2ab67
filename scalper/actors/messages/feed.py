"""Ticks on their way, and who wants which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from scalper.domain.quotes import Tick
from scalper.message import Message


class _TickMessage(Message, frozen=True, kw_only=True):
    ticks: tuple[Tick, ...]

    is_taped: ClassVar[bool] = True

    @classmethod
    def merged(cls, burst: Sequence[Self]) -> Self:
        """All their ticks in their order, as of the newest."""
        return cls(at=burst[-1].at, ticks=tuple(tick for message in burst for tick in message.ticks))


class FeedFrame(_TickMessage, frozen=True, kw_only=True):
    """The feed says: the socket, or the market that is played, brought these ticks."""

    is_conflated: ClassVar[bool] = True


class Ticks(_TickMessage, frozen=True, kw_only=True):
    """FeedHub says: the newest tick of each security that is subscribed and had one."""

    is_conflated: ClassVar[bool] = True


class HeldTicks(_TickMessage, frozen=True, kw_only=True):
    """FeedHub says: every tick, none left out, of securities with a pending or open position."""


class IndexTicks(_TickMessage, frozen=True, kw_only=True):
    """FeedHub says: every tick of the watched indices."""


class Subscribe(Message, frozen=True, kw_only=True):
    """Somebody wants ticks of these keys under the name `owner`."""

    keys: tuple[str, ...]
    owner: str


class Unsubscribe(Message, frozen=True, kw_only=True):
    """The owner needs these keys no longer; other owners keep theirs."""

    keys: tuple[str, ...]
    owner: str


class HeldChanged(Message, frozen=True, kw_only=True):
    """PositionIndex says: these keys, sorted, have a pending or open position."""

    keys: tuple[str, ...]


class FeedHealthChanged(Message, frozen=True, kw_only=True):
    """FeedHub says, on the edge only: ticks are fresh again, or the newest is older than the limit."""

    is_fresh: bool
    age_ms: int


class GetTicks(Message, frozen=True, kw_only=True):
    """Somebody asks TickCache for the last tick of each key; answered with TicksFound."""

    request: str
    reply_to: str
    keys: tuple[str, ...]


class TicksFound(Message, frozen=True, kw_only=True):
    """TickCache answers GetTicks; None where there is no tick."""

    request: str
    ticks: tuple[Tick | None, ...]


class GetQuotes(Message, frozen=True, kw_only=True):
    """Somebody asks DataGateway for quotes over REST; answered with QuotesFetched."""

    request: str
    reply_to: str
    keys: tuple[str, ...]


class QuotesFetched(Message, frozen=True, kw_only=True):
    """DataGateway answers GetQuotes; None where the source has none."""

    request: str
    ticks: tuple[Tick | None, ...]
