"""Health of the systems over days."""
