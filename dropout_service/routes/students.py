"""Routes of students."""

from typing import IO, Annotated

from fastapi import APIRouter, Response

from dropout_service.dependencies import Manager
from dropout_service.errors import (
    StudentErased,
    StudentExists,
    StudentMerged,
    StudentNotErased,
    StudentNotFound,
)
from dropout_service.routes.path_parameters import StudentId
from dropout_service.schemas.students import (
    ErasureOut,
    NewStudent,
    StudentChange,
    StudentOut,
    StudentReplacement,
)
from shared_db.errors import NeedsPostgresql
from shared_db.pseudonyms import pseudonym_of
from shared_db.queries.pagination import MalformedCursor
from shared_db.row_export.archive import MEDIA_TYPE
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.auth.granting import require_sight_of_all
from shared_web.principals import Permission, Principal
from shared_web.problems import InvalidRequest, documented
from shared_web.query.identifiers import Identifier
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from shared_web.wire.temporary_file import TemporaryFileAnswer, documented_file

router = APIRouter(prefix="/students", tags=["students"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)
WRITE = needs(Permission.STUDENTS_WRITE)
Writer = Annotated[Principal, WRITE]

ABSENT = documented(StudentNotFound, StudentErased, StudentMerged)


@router.post("", status_code=201, responses=documented(StudentExists, StudentErased))
def add_student(
    new: NewStudent,
    manager: Manager,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> StudentOut:
    """Store a student. A repeated request gets the same answer; other content under its id, 409."""
    student = manager.students.add(row_id(new.id, key, principal), new.name, new.email)
    mark_replay(response, is_replay=student.is_replay)
    return StudentOut.model_validate(student)


@router.get(
    "",
    dependencies=[READ],
    responses=documented(InvalidRequest, MalformedCursor, NeedsPostgresql),
)
def list_students(
    manager: Manager, identifier: Identifier = None, after: After = None, limit: Limit = 100
) -> PageOut[StudentOut]:
    """Return students by id, or those with an identifier elsewhere, also without rows here."""
    page = manager.students.search(identifier=identifier, after=after, limit=limit)
    return PageOut[StudentOut].of(page)


@router.get("/{student_id}", dependencies=[READ], responses=ABSENT)
def get_student(student_id: StudentId, manager: Manager) -> StudentOut:
    """Return one student."""
    return StudentOut.model_validate(manager.students.get(student_id))


@router.get(
    "/{student_id}/export",
    dependencies=[needs(Permission.EXPORT), EXPENSIVE],
    status_code=200,
    response_class=TemporaryFileAnswer,
    responses=documented_file(MEDIA_TYPE) | ABSENT,
)
def export_student(student_id: StudentId, manager: Manager) -> TemporaryFileAnswer:
    """Return a ZIP of everything that this service stores of the student.

    It has a page to read, JSON of each table, and the meaning of each field.
    """

    def write(file: IO[bytes]) -> None:
        manager.exports.write_zip(student_id, file)

    return TemporaryFileAnswer(write, "dropout-export.zip", MEDIA_TYPE)


@router.put("/{student_id}", dependencies=[WRITE], responses=ABSENT)
def replace_student(student_id: StudentId, new: StudentReplacement, manager: Manager) -> StudentOut:
    """Replace name and e-mail of a stored student."""
    return StudentOut.model_validate(manager.students.update(student_id, new.model_dump()))


@router.patch("/{student_id}", dependencies=[WRITE], responses=ABSENT)
def change_student(student_id: StudentId, change: StudentChange, manager: Manager) -> StudentOut:
    """Change name or e-mail."""
    changes = change.model_dump(exclude_unset=True)
    return StudentOut.model_validate(manager.students.update(student_id, changes))


@router.delete("/{student_id}", responses=documented(StudentNotErased))
def delete_student(
    student_id: StudentId,
    manager: Manager,
    principal: Annotated[Principal, needs(Permission.ERASE)],
) -> ErasureOut:
    """Erase at once a student whom staffstuddash has erased; without a request, within a minute.

    Other students are refused with 409, since staffstuddash keeps the legal holds. A repeated
    request has the same answer, without rows.
    """
    require_sight_of_all(principal)
    removed = manager.students.follow_erasure(student_id)
    return ErasureOut(pseudonym=pseudonym_of(student_id), removed=removed)
