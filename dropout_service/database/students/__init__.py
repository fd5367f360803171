"""Students of the dropout service: repository and row locks."""
