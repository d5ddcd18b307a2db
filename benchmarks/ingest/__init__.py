"""How close ingest comes to the allowed rate, and what a page costs."""
