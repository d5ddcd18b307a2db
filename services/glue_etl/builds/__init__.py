"""Builds: what goes into one, the rules that it must pass, and its publication."""
