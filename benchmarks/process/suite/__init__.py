"""What a raw page costs process, beside the unvalidated bound and its peers."""
