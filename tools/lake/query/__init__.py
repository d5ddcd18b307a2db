"""Queries: Athena on AWS, DuckDB over the same catalogue locally."""
