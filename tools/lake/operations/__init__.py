"""Status and logs, for operators."""
