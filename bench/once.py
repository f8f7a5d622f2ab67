"""One go at one benchmark in a process of its own, so that none inherits another's memory: `python -m bench.once`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from bench.figures import encoded

if __name__ == "__main__":
    name, *days = sys.argv[1:]
    print(encoded(import_module(f"bench.{name}").measure([Path(day) for day in days])))
