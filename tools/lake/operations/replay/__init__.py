"""Replay: what failed or was rejected goes through the normal path once more."""
