"""YAML, environment and command line become one frozen, typed configuration.

`schema` (with `schema_index` and `schema_risk`) says what there is, `kinds` and `words` how one value is read, `layer`
walks one source, `load` puts the sources together, `show` writes the result.
"""

from __future__ import annotations

from scalper.config.load import ENVIRONMENT, load_config
from scalper.config.schema import Config
from scalper.config.show import config_hash, from_json, to_json, to_yaml

__all__ = ["ENVIRONMENT", "Config", "config_hash", "from_json", "load_config", "to_json", "to_yaml"]
