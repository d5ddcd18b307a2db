"""What operators look at: status and logs."""
