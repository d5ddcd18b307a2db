"""In-memory adapters, and makers of pages and events, for tests."""
