"""What the benchmark of glue_etl is made of."""
