"""What the benchmarks share: results with their targets, and measuring things side by side."""
