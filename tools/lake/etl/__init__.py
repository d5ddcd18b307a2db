"""The curated tables and the bulk route, on this machine and on Glue."""
