"""The ETL: from processed rows and dumps to the curated tables, on Spark."""
