"""Figures of small groups: refused to persons who do not see all rows.

A person sees each row of their group. With few rows, figures that they pass on would name somebody.
"""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared_db.errors import GroupTooSmall
from shared_db.row_limits import row_limit

MIN_GROUP = 5


def require_group(session: Session, member: InstrumentedAttribute[Any]) -> None:
    """Return if figures of the rows in sight may be computed; always without a limit of rows.

    member: key of the members of the group.

    Raises:
        GroupTooSmall: fewer than 5 members are in the person's sight.

    """
    if row_limit() is None:
        return
    some = select(member).limit(MIN_GROUP).subquery()
    require_size(session.scalar(select(func.count()).select_from(some)) or 0)


def require_size(members: int) -> None:
    """Return if figures of so many members in sight may be computed; always without a limit.

    Raises:
        GroupTooSmall: they are fewer than 5, and rows are limited.

    """
    if row_limit() is not None and members < MIN_GROUP:
        raise GroupTooSmall(
            f"Figures of fewer than {MIN_GROUP} students are not computed for a person who does "
            "not see all students. The lists have the rows of each."
        )
