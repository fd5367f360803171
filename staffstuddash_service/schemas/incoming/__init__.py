"""Bodies of incoming data: their freshness, and imports."""
