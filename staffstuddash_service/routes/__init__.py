"""Routes, one file for each resource; no SQL, and one manager method for each request."""
