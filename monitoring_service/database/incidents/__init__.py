"""Incidents: read and handled by requests, grouped from events by periodic work."""
