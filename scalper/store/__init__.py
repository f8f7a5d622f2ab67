"""Rows, units of work, migrations and caches."""
