"""Words and forms of the pages about people, keys and the rights of students."""
