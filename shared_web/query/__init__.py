"""Query parameters: filters, pages and the refusal of unknown names; no SQL and no body."""

from shared_web.query.filters import Count, FilterSet, choice, flag, instant, number, text
from shared_web.query.json_filters import JsonField
from shared_web.query.pagination import After, CountedPageOut, Limit, PageOut

__all__ = [
    "After", "Count", "CountedPageOut", "FilterSet", "JsonField", "Limit", "PageOut",
    "choice", "flag", "instant", "number", "text",
]  # fmt: skip
