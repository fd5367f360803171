"""Routes of courses: their lists and changes, and the activity and work of students in them."""
