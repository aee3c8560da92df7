"""Benchmarks: each prints a table, writes a results file, and ends with one JSON line."""
