"""Metrics of a service in the formats of Prometheus."""
