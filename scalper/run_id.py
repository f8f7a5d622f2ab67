"""What a run is called, and which code made it: equal inputs, equal names, on any machine."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path


def run_id_of(seed: int, config_sha256: str, day: date) -> str:
    """Twelve hex digits from seed, configuration and day."""
    return hashlib.sha256(f"{seed}/{config_sha256}/{day.isoformat()}".encode()).hexdigest()[:12]


def code_version() -> str:
    """Sixteen hex digits over every source file of the program, by its path."""
    root = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
