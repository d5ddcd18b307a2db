"""A run that is started now, and watched until it is in the tables."""
