"""Imports of tables: their kinds, the columns of a file, and words for their states."""
