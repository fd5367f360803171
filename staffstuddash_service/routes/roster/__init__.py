"""Routes of the roster, one file for each resource."""
