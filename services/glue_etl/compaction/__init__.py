"""Compaction: the rows of past days, of which process writes a file a page, come into few files."""
