"""Benchmarks: run by hand through `bin/bench`, never timed tests."""
