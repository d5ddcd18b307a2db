"""The tutorials, done as they say on a copy of the project."""
