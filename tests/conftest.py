"""What every test may use."""

from __future__ import annotations

import os

import freezegun
import pytest

from tests.servers import postgres_database, postgres_url, redis_database, redis_url
from tests.shared_files import SHARED

#: The fixtures that live in modules of their own.
__all__ = ["postgres_database", "postgres_url", "redis_database", "redis_url"]

# A frozen clock would keep pykka's `ask` from ever timing out.
freezegun.configure(extend_ignore_list=["pykka"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `shared` need the folder beside the checkout: skipped without it, failed in CI."""
    if SHARED.is_dir():
        return
    reason = f"the shared recordings are missing: expected a folder {SHARED.name} beside the checkout"
    for item in items:
        if item.get_closest_marker("shared"):
            if os.environ.get("CI") == "true":
                item.add_marker(pytest.mark.missing_in_ci(reason))
            else:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_runtest_setup(item: pytest.Item) -> None:
    marker = item.get_closest_marker("missing_in_ci")
    if marker:
        pytest.fail(marker.args[0])
