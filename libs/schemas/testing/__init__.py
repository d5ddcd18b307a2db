"""What tests of several components share about the contracts."""
