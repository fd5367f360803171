"""Bodies of the roster."""
