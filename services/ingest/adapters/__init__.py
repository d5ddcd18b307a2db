"""The outside world of the ingest service: S3, SSM and the source's HTTP interface."""
