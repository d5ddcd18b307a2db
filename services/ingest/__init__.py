"""The ingest service: crawls OpenLibrary's subjects API into the raw prefix of the lake."""
