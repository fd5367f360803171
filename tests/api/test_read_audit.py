"""Audit of reads: routes with their decisions, recorded rows, and the list of a student's reads."""

