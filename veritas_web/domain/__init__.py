"""Pure functions and frozen dataclasses of the pages: no I/O, no clock, no template."""
