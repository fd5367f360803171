"""`veritas students`: commands on students."""
