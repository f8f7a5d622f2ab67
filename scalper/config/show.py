"""The configuration going out: as YAML for people, as JSON for the message log, as a hash."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import yaml

from scalper.config.fields import distinct_fields
from scalper.config.schema import Config
from scalper.config.words import Rows


def to_yaml(config: Config) -> str:
    """The whole configuration as a file could hold it, defaults included; a password shows as `***`."""
    return yaml.safe_dump(_shown(config), sort_keys=False, allow_unicode=True, default_flow_style=False)


def to_json(config: Config) -> bytes:
    """What a run decides by, canonically: house units, sorted keys, without addresses and folders.

    Equal for two homes and two databases; the message log keeps it for replay.

    Source: REQUIREMENTS 21.
    """
    message_log = msgspec.structs.replace(config.message_log, folder=None)
    placeless = msgspec.structs.replace(config, database_url=None, redis_url=None, message_log=message_log)
    return msgspec.json.encode(placeless, order="sorted")


def from_json(recorded: bytes) -> Config:
    """The configuration that `to_json` recorded.

    Raises:
        msgspec.DecodeError: It is not JSON, or not a configuration of this version.
    """
    return msgspec.json.decode(recorded, type=Config)


def config_hash(config: Config) -> str:
    """SHA-256, in hex, of what a run decides by."""
    return sha256(to_json(config)).hexdigest()


def _shown(section: msgspec.Struct) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for field in distinct_fields(type(section)):
        value = getattr(section, field.name)
        if isinstance(field.kind, Rows):
            shown[field.key] = [_shown(row) for row in value]
        elif field.section is not None:
            shown[field.key] = _shown(value)
        else:
            shown[field.key] = None if value is None else field.kind.show(value)
    return shown
