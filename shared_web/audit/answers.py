"""Answer with the reads of a student."""

from datetime import datetime
from typing import Any

from pydantic import Field

from shared_db.audit.rows import CallerKind
from shared_db.queries.pagination import Page
from shared_web.principals import Permission, Principal
from shared_web.query.pagination import PageOut
from shared_web.requests.fields import Out


class ReadOut(Out):
    """Request that showed data of the student.

    The student sees `read_at`, `kind` and `roles` alone, and null elsewhere.
    """

    read_at: datetime
    kind: CallerKind
    roles: list[str]
    caller: str | None = Field(
        description="Key or id of the person; of a student, a token or pseudonym."
    )
    through: str | None = Field(description="The key that acted for the person.")
    route: str | None = Field(description="Template of the path.")
    students: int | None = Field(description="Number of students that the answer showed.")
    purpose: str | None = Field(description="As the caller stated it in `Veritas-Purpose`.")
    break_glass_id: str | None = Field(
        description="Opening by which the caller saw the student; null: by their rights."
    )


def reads_page(page: Page[Any], principal: Principal) -> PageOut[ReadOut]:
    """Return the page as the caller may see it: without names if they lack `audit.read`."""
    answer = PageOut[ReadOut].of(page)
    if not principal.may(Permission.AUDIT_READ):
        answer.items = [
            ReadOut(
                read_at=read.read_at,
                kind=read.kind,
                roles=read.roles,
                caller=None,
                through=None,
                route=None,
                students=None,
                purpose=None,
                break_glass_id=None,
            )
            for read in answer.items
        ]
    return answer
