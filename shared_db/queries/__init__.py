"""Parts of SELECT statements for both stores: dialects, filters, keyset pages; no whole queries."""

from shared_db.queries.dialects import dialect_of, in_list, lateral_lookup
from shared_db.queries.filters import Filter, Operator
from shared_db.queries.pagination import Keyset, MalformedCursor, Page, PageOptions

__all__ = [
    "Filter",
    "Keyset",
    "MalformedCursor",
    "Operator",
    "Page",
    "PageOptions",
    "dialect_of",
    "in_list",
    "lateral_lookup",
]
