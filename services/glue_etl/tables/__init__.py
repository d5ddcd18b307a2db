"""The curated tables: one module each, of pure functions from DataFrames to DataFrames.

Every choice among rows follows a total order, so that no engine and no partitioning can give
another result.
"""
