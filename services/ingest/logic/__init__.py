"""What a crawl does, without AWS, HTTP or a clock of its own."""
