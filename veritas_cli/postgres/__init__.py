"""Local PostgreSQL server: programs, data directory, account and start; no tables."""
