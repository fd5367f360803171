"""Requests made up from the services' own OpenAPI documents; run by `make fuzz`."""
