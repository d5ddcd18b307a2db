"""The curated tables: one module each, of pure functions from DataFrames to DataFrames.

``works`` is made in ``precedence``, the rule of which record of a work counts.
Every choice among rows follows a total order, so that no engine and no partitioning can give
another result.
"""
