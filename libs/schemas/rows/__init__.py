"""Row contracts: one pydantic model for each table of the lake."""
