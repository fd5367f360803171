"""REST clients of the three services; a failure is a value, so that a page can say so."""
