"""What staff know of a student: students, assessments, performance, and the teacher's dashboard."""
