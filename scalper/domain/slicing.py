"""Cuts an order so that no part reaches the exchange's freeze number.

Source: REQUIREMENTS 13.2; DHANHQ 3.7.
"""

from __future__ import annotations


def slices(quantity: int, lot_size: int, freeze_quantity: int) -> tuple[int, ...]:
    """The quantities to send, largest first; together exactly `quantity`.

    Sources differ whether the freeze number itself passes, so every slice is the largest multiple of the lot strictly
    below it. A quantity that is no multiple of the lot leaves its odd rest in the last slice: an exit is never refused.

    Args:
        quantity: Units to send, >= 0; 0 gives no slice.
        lot_size: Units in a lot, > 0.
        freeze_quantity: Freeze number in units; 0 when there is no limit.

    Raises:
        ValueError: Quantity or freeze number negative, lot size below 1, or not one lot below the freeze number.
    """
    if quantity < 0 or lot_size < 1 or freeze_quantity < 0:
        raise ValueError(f"cannot slice {quantity} units in lots of {lot_size} below {freeze_quantity}")
    if quantity == 0:
        return ()
    if freeze_quantity == 0:
        return (quantity,)
    largest = (freeze_quantity - 1) // lot_size * lot_size
    if largest == 0:
        raise ValueError(f"no lot of {lot_size} units fits below the freeze quantity {freeze_quantity}")
    full, rest = divmod(quantity, largest)
    return (largest,) * full + ((rest,) if rest else ())
