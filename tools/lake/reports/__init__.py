"""The Plotly report and Superset."""
