"""Replay: the recorded inputs of a day into fresh actors, and every letter they send compared with the recorded one."""

from scalper.replay.replayer import Difference, ReplayReport, replay

__all__ = ["Difference", "ReplayReport", "replay"]
