"""The state of an environment: units, queues, runs, quarantine and curated tables."""
