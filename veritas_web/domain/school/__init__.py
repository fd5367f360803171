"""Whole school in the sight of a person: its figures, the agenda, and the digest."""
