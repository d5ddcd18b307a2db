"""The dashboard in Apache Superset."""
