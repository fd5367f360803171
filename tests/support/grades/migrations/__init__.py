"""The migrations of the small history."""
