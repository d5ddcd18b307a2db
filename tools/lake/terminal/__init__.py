"""The terminal: tables, progress, and how results and failures look."""
