"""Runs: started, followed, and read back from their ledgers."""
