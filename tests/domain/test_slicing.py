"""No slice reaches the freeze number, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalper.domain.slicing import slices


@pytest.mark.parametrize(("quantity", "lot_size", "freeze_quantity", "expected"), [
    (7020, 65, 3510, (3445, 3445, 130)),     # 53 lots: the freeze number itself, 54 lots, is not sent
    (3510, 65, 3510, (3445, 65)),
    (3445, 65, 3510, (3445,)),
    (1755, 65, 1756, (1755,)),               # 27 lots lie just below
    (1440, 30, 1440, (1410, 30)),
    (2000, 20, 1000, (980, 980, 40)),
    (2000, 20, 0, (2000,)),                  # no limit
    (0, 65, 3510, ()),
    (70, 65, 131, (70,)),                    # an odd rest is still sold
    (200, 65, 131, (130, 70)),
])  # fmt: skip
def test_slices_stay_strictly_below_the_freeze_number(quantity, lot_size, freeze_quantity, expected):
    assert slices(quantity, lot_size, freeze_quantity) == expected


@given(st.integers(1, 200), st.integers(1, 100), st.integers(1, 5000))
def test_slices_of_lots_are_lots_and_add_up(lots, lot_size, above_one_lot):
    freeze_quantity = lot_size + above_one_lot

    parts = slices(lots * lot_size, lot_size, freeze_quantity)

    assert sum(parts) == lots * lot_size
    assert all(0 < part < freeze_quantity and part % lot_size == 0 for part in parts)


@pytest.mark.parametrize("wrong", [(-65, 65, 1756), (65, 0, 1756), (65, 65, -1), (65, 65, 65)])
def test_what_cannot_be_sliced_is_refused(wrong):
    with pytest.raises(ValueError, match=r"cannot slice|no lot"):
        slices(*wrong)
