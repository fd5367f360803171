"""Routes of dropout: one file per resource; no SQL, no scores."""
