"""Turns raw pages into clean, catalogued rows; what it rejects goes to quarantine."""
