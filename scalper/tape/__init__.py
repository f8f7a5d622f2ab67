"""Recorded days, tapes of ticks and the built-in market."""
