"""PostgreSQL server of our own: binaries, data directory, account and start."""
