"""Pages about people, keys and the rights of students."""
