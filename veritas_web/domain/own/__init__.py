"""Student's own page: pure functions without risk, place and reasons."""
