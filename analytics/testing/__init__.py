"""Small lakes for the tests of the views."""
