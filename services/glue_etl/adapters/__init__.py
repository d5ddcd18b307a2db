"""The outside: storage and catalogue."""
