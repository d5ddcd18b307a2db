"""The command line: its commands, by group, and how results look."""
