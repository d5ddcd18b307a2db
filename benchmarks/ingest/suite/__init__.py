"""How close ingest comes to the allowed rate, what a page costs, and what it survives."""
