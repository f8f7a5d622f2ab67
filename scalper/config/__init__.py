"""YAML, environment and command line become one frozen, typed configuration.

`schema` says what there is, `kinds` how one value is read, `load` puts the layers together.
"""

from __future__ import annotations

from scalper.config.schema import Config

__all__ = ["Config"]
