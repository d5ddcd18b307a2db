"""Makes lakes and dumps of any size, for tests and benchmarks."""
