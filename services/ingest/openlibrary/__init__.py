"""What the service knows of OpenLibrary: subjects, requests, bodies and outcomes."""
