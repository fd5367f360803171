"""`veritas archive`: closed months of events as files."""
