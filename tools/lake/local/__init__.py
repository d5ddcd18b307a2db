"""The local lake: the local AWS, the stand-in, local Spark, and the demo."""
