"""The rules that the templates are checked against, and their tests."""
