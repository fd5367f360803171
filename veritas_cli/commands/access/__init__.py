"""Commands on keys and roles."""
