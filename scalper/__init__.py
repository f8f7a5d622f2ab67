"""scalper: intraday index option buying on Pykka actors, protected first."""

__version__ = "0.1.0"
