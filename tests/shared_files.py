"""Where the shared recordings and worked examples lie, and how tests reach them."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

#: Beside the checkout, unless the environment says otherwise.
SHARED = Path(os.environ.get("SCALPER_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@cache
def _golden() -> dict[str, Any]:
    path = SHARED / "golden" / "golden.json"
    if not path.is_file():
        return {"cases": [], "candle_sets": {}}
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def golden_cases(*systems: str) -> list[Any]:
    """The worked examples of some systems, each a parameter marked `shared`; one skipped stand-in without them."""
    import pytest

    cases = [case for case in _golden()["cases"] if case["system"] in systems]
    if not cases:
        return [pytest.param(None, id="missing", marks=pytest.mark.shared)]
    return [pytest.param(case, id=case["id"], marks=pytest.mark.shared) for case in cases]


def candle_set(name: str) -> list[list[Any]]:
    """One named set of candles `[iso time, open, high, low, close, volume]` in rupees, ascending."""
    found: list[list[Any]] = _golden()["candle_sets"][name]
    return found
