"""What is derived from the row contracts: schemas of Arrow, Glue and Spark."""
