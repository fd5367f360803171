"""Imports of tables: the upload of a file, its check, and its progress."""
