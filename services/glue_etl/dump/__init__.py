"""The bulk route: OpenLibrary's works dump becomes processed rows."""
