"""Pages of lists: `?after=&limit=` in, `{items, next}` out."""

from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Query
from pydantic import BaseModel

from shared_db.queries.pagination import Page

T = TypeVar("T")

MAX_CURSOR_LENGTH = 2000

After = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR_LENGTH, description="`next` of the previous page."),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="Maximum number of items.")]


class PageOut(BaseModel, Generic[T]):
    """Page of a list; `next` is null on the last one."""

    items: list[T]
    next: str | None

    @classmethod
    def of(cls, page: Page[Any]) -> Self:
        """Return the response body of a manager's page."""
        return cls.model_validate({"items": page.items, "next": page.next}, from_attributes=True)


class CountedPageOut(PageOut[T]):
    """Page of a list that can be counted; `count` is null without `count=exact`."""

    count: int | None

    @classmethod
    def counted(cls, page: Page[Any], count: int | None) -> Self:
        """Return the response body of a manager's page and count."""
        values = {"items": page.items, "next": page.next, "count": count}
        return cls.model_validate(values, from_attributes=True)
