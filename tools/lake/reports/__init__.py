"""What people look at: the Plotly report and Superset."""
