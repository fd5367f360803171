"""Routes of keys, of roles and of the access of persons."""
