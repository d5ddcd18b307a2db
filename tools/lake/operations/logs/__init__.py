"""Logs of the services: on CloudWatch, and the files of the jobs on this machine."""
