"""Features of students and enrolments, computed from events and marks; predictions are not here."""
