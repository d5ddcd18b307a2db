"""Deployment: packages, plans, change sets, releases and their history."""
