"""Request and response bodies, one file per noun; no SQL and no rules."""
