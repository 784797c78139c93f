"""Benchmarks: ratios to a reference measured in the same run, with the answers checked."""
