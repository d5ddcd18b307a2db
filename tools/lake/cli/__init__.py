"""The command line: its commands, by group."""
