"""Rights of students, and the exceptional sight of staff."""
