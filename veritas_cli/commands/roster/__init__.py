"""Commands of the roster: terms are closed."""
