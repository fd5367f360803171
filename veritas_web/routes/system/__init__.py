"""Pages of the systems and their incidents."""
