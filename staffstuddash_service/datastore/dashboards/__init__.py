"""Dashboards: queries over all that a service knows of students; no writes."""
