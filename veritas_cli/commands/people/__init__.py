"""Commands on the access of persons."""
