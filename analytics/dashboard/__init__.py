"""The definition of the dashboard: charts of views, and the data of a report."""
