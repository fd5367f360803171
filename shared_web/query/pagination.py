"""Lists over HTTP: `?after=&limit=` in, `{items, next}` out."""

from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Query
from pydantic import BaseModel

from shared_db.queries.pagination import Page

T = TypeVar("T")

LONGEST_CURSOR = 2000

After = Annotated[
    str | None,
    Query(max_length=LONGEST_CURSOR, description="The `next` of the page before."),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many items at most.")]


class PageOut(BaseModel, Generic[T]):
    """One page of a list; `next` is null on the last."""

    items: list[T]
    next: str | None

    @classmethod
    def of(cls, page: Page[Any]) -> Self:
        """Return a manager's page as the body of an answer."""
        return cls.model_validate({"items": page.items, "next": page.next}, from_attributes=True)


class CountedPageOut(PageOut[T]):
    """One page of a list that can be counted; `count` is null unless `count=exact` was asked."""

    count: int | None

    @classmethod
    def counted(cls, page: Page[Any], count: int | None) -> Self:
        """Return a manager's page and count as the body of an answer."""
        values = {"items": page.items, "next": page.next, "count": count}
        return cls.model_validate(values, from_attributes=True)
