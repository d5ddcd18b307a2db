"""What operators do with a lake: start runs, look at its state and logs, check, replay, verify."""
