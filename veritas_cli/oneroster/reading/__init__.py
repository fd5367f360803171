"""Archives, tables and rows of OneRoster exports, staged and counted."""
