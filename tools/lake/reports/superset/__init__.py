"""Superset on this machine: set up, served, and checked."""
