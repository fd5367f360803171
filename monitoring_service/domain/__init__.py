"""What the figures mean: pure functions, no database, no clock."""
