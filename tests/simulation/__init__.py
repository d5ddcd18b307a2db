"""The services' real logic on an AWS in memory that a seed sets against it."""
