"""Courses in the layout of OULAD, imports of them, and models learned from made-up enrolments."""
