"""The views: one query per metric, in Athena's dialect."""
