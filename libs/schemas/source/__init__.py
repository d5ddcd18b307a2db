"""Source contracts: what OpenLibrary's API and dumps hold."""
