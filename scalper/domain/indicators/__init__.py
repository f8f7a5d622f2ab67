"""Indicators fed one closed candle at a time, in rupees: constant work per candle, no volume (an index has none)."""
