"""The daily circuit: when a day's loss ends trading, and until when.

Source: REQUIREMENTS 15.2.
"""

from __future__ import annotations

from datetime import date

import msgspec

from scalper.domain.units import BPS, ceil_bps


class CircuitVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """How the day stands against its loss limit.

    Attributes:
        is_tripped: The loss met the limit.
        is_balance_known: False = there is no starting balance, so the circuit is blind and cannot trip.
        day_net_paise: Realised and unrealised, net of charges.
        loss_limit_paise: The smallest loss that trips; None while blind.
        loss_bps: The loss as a share of the starting balance, rounded down, negative of a profit; None while blind.
    """

    is_tripped: bool
    is_balance_known: bool
    day_net_paise: int
    loss_limit_paise: int | None
    loss_bps: int | None


def circuit_verdict(
    starting_balance_paise: int | None, realised_net_paise: int, unrealised_net_paise: int, limit_bps: int
) -> CircuitVerdict:
    """Whether the day's net loss has reached its share of the starting balance; reaching it trips.

    Args:
        starting_balance_paise: Of the account's day; None or not above 0 = not known.
        realised_net_paise: Closed trades of the day, all indices, after charges.
        unrealised_net_paise: Open positions at the bid, after the charges of closing them.
        limit_bps: `ExitRules.circuit_limit_bps`, above 0.

    Source: REQUIREMENTS 15.2.
    """
    day_net_paise = realised_net_paise + unrealised_net_paise
    if starting_balance_paise is None or starting_balance_paise <= 0:
        return CircuitVerdict(
            is_tripped=False,
            is_balance_known=False,
            day_net_paise=day_net_paise,
            loss_limit_paise=None,
            loss_bps=None,
        )
    loss_limit_paise = ceil_bps(starting_balance_paise, limit_bps)
    return CircuitVerdict(
        is_tripped=-day_net_paise >= loss_limit_paise,
        is_balance_known=True,
        day_net_paise=day_net_paise,
        loss_limit_paise=loss_limit_paise,
        loss_bps=-day_net_paise * BPS // starting_balance_paise,
    )


def is_blocked(tripped_day: date | None, day: date) -> bool:
    """Whether entries are refused on `day`: from the trip until the next day begins, restarts or not.

    Args:
        tripped_day: The account's latest trip, as a day in India; None = never.
        day: The trading day asked about, in India.

    Source: REQUIREMENTS 15.2.
    """
    return tripped_day is not None and day <= tripped_day
