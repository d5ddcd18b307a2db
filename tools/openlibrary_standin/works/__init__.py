"""What the stand-in serves: known works, and a generated tail of any length."""
