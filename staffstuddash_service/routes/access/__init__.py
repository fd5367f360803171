"""Routes of keys and of roles."""
