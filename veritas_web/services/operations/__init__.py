"""Calls about operation: monitoring, and the routes that each service has outside of its API."""
