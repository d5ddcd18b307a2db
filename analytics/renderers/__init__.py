"""The dashboard as each tool shows it."""
