"""Taking an environment down."""
