"""Query parameters: filters, pages and the refusal of unknown names; no SQL."""
