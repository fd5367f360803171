"""State of background work, of this process and of all; the work itself belongs elsewhere."""
