"""Helpers of the benchmarks: load generators, peers and data."""
