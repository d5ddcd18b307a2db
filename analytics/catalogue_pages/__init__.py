"""The data catalogue: a page for every table and view."""
