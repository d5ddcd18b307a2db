"""The outside world of the process service: S3 and the Glue catalogue."""
