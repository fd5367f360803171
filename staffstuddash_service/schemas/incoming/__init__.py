"""Bodies about data that come in: their freshness, and imports of tables."""
