"""Sight of persons: the students whose rows a person may write."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.students.locking import erased_among
from dropout_service.errors import StudentErased, StudentNotFound
from dropout_service.models import Alias, published_memberships, published_openings
from shared_db.errors import ServiceError

# View of the students whom the person of the transaction has opened, with the opening's id.
OPENINGS = published_openings.fullname


def refusals_out_of_sight(
    session: Session, student_ids: Collection[str]
) -> dict[str, ServiceError]:
    """Return the refusal of each student whom the transaction's person does not see.

    It is that of an absent student. A former id is seen with the present student.
    """
    member = published_memberships.c.student_id
    former = select(Alias.old_id).join(published_memberships, member == Alias.new_id)
    seen = set(session.scalars(select(member).where(member.in_(student_ids))))
    unseen = set(student_ids) - seen
    if unseen:
        unseen -= set(session.scalars(former.where(Alias.old_id.in_(unseen))))
    if not unseen:
        return {}
    erased = erased_among(session, unseen)
    return {id_: StudentErased(id_) if id_ in erased else StudentNotFound(id_) for id_ in unseen}
