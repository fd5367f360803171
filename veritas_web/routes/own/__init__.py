"""Pages of a student about themself."""
