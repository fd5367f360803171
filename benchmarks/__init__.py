"""How fast the services are, beside the limit that was measured in the same run."""
