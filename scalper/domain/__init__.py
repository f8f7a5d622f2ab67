"""Pure rules and values: no I/O, no threads, no clock."""
