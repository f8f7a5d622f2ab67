"""The short day that the runs on threads share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.harness import write_short_day

#: Three positions in 48 minutes: two leave by the trail, one is sold at the end of the session.
SEED, MINUTES = 2, 48


@pytest.fixture(scope="session")
def short_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded day that ends after 48 minutes; nothing may be written into it."""
    return write_short_day(tmp_path_factory.mktemp("recorded"), SEED, MINUTES)
