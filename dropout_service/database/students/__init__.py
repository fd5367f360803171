"""Students of the dropout service: repository, erasure and row locks; not their events or marks."""
