"""Screens of the whole school: its figures, and the agenda of the meeting."""
