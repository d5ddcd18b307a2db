"""What the service knows of OpenLibrary: the shape of a page, and rows made of it."""
