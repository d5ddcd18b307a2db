"""Fakes for tests: a lake in memory, and jobs without Spark."""
