"""Measures what live rooms cost: load, the processes that are measured, and the figures. docs/benchmarks.md."""
