"""Answers about a whole school: kept for a moment, computed once at a time, with an `ETag`."""
