"""The Plotly report. It runs in an environment of its own, on rows that the lake command read."""
