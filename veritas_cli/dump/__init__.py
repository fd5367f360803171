"""Backup files and the PostgreSQL programs that write and read them."""
