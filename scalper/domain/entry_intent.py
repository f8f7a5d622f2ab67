"""The row of a decision to buy or not.

Source: REQUIREMENTS 12.1, 14.1.
"""

from __future__ import annotations

from datetime import datetime

from scalper.domain.instruments import Instrument
from scalper.domain.signals import Delivery, GateResult, IntentStatus, Signal, TradeIntent
from scalper.domain.tags import entry_tag


def new_trade_intent(
    intent_id: int,
    delivery: Delivery,
    signal: Signal,
    contract: Instrument | None,
    gates: tuple[GateResult, ...],
    *,
    quantity: int,
    ltp_paise: int,
    at: datetime,
) -> TradeIntent:
    """APPROVED when the last gate was passed, else REJECTED with its reason and no quantity.

    Args:
        intent_id: Of the row.
        delivery, signal: What was decided on.
        contract: What would be bought; None when no strike was picked.
        gates: Every gate that was asked, in order; at least one.
        quantity: Units to buy.
        ltp_paise: Price it was sized on; 0 when none was looked at.
        at: When.
    """
    is_approved = gates[-1].is_passed
    return TradeIntent(
        id=intent_id,
        delivery_id=delivery.id,
        leg_no=0,
        signal_id=signal.id,
        account_id=delivery.account_id,
        index_key=signal.index_key,
        instrument_key=contract.key if contract is not None else "",
        quantity=quantity if is_approved else 0,
        ltp_paise=ltp_paise,
        status=IntentStatus.APPROVED if is_approved else IntentStatus.REJECTED,
        reason=gates[-1].reason,
        tag=_tag(signal.index_key, contract),
        intent_number=delivery.intent_number,
        gates=gates,
        created_at=at,
        updated_at=at,
    )


def _tag(index_key: str, contract: Instrument | None) -> str:
    if contract is None or contract.option_type is None or contract.strike_paise is None:
        return ""
    return entry_tag(index_key, contract.option_type, contract.strike_paise)
