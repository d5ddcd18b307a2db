"""What tests need: a lake in memory, and jobs without Spark."""
