"""The report and Superset, from the rows of a small lake of chance."""
