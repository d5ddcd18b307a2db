"""What the stage does, without AWS."""
