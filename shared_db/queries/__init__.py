"""Parts of SELECT statements for both stores: dialects, filters, keyset pages."""
