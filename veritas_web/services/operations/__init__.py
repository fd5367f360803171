"""Routes of operation that each service has outside of its API: health and metrics."""
