"""Traces of requests to an OpenTelemetry collector, if one is named; else nothing is imported."""
