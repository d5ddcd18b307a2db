"""Statements in Athena's dialect: read, checked, and translated to DuckDB's."""
