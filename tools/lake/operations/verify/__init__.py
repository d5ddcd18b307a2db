"""The acceptance test: what the product relies on, shown on a deployed environment."""
