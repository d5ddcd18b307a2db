"""The check: whether what the ledgers say is what lies in the lake, record by record."""
