"""Bodies of requests and responses: one file per noun, imported from there."""
