"""Routes of students."""

from typing import IO, Annotated

from fastapi import APIRouter, Request, Response

from shared_db.pseudonyms import pseudonym_of
from shared_db.row_export.archive import MEDIA_TYPE
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import InvalidRequest, documented
from shared_web.query.identifiers import Identifier
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.batches import Batch, BatchOut, batch_route, handle_batch
from shared_web.requests.expensive_reads import EXPENSIVE, EXPENSIVE_IF_SEARCHED
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from shared_web.wire.temporary_file import TemporaryFileAnswer, documented_file
from staffstuddash_service.datastore import StudentToStore
from staffstuddash_service.datastore.memberships import Members
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import (
    MergedElsewhere,
    SameStudent,
    StudentErased,
    StudentExists,
    StudentHeld,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.routes.filters import (
    LISTING,
    IdIn,
    OfClass,
    OfPerson,
    Search,
    StudentFilters,
)
from staffstuddash_service.routes.path_parameters import StudentId
from staffstuddash_service.schemas.students import (
    ErasureOut,
    MergeOut,
    NewStudent,
    StudentChange,
    StudentMerge,
    StudentOut,
    StudentReplacement,
)

router = APIRouter(prefix="/students", tags=["students"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)
WRITE = needs(Permission.STUDENTS_WRITE)
Writer = Annotated[Principal, WRITE]

ABSENT = documented(StudentNotFound, StudentErased, StudentMerged)


@router.post("", status_code=201, responses=documented(StudentExists, StudentErased))
def add_student(
    new: NewStudent,
    datastore: Datastore,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> StudentOut:
    """Store a student. A repeated request has the same answer; with other content, 409."""
    student_id = row_id(new.id, key, principal)
    student = datastore.students.add(student_id, new.name, new.email)
    mark_replay(response, is_replay=student.is_replay)
    return StudentOut.model_validate(student)


@router.get("", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_students(
    datastore: Datastore,
    filters: StudentFilters,
    search: Search = None,
    class_id: OfClass = None,
    person_id: OfPerson = None,
    identifier: Identifier = None,
    id__in: IdIn = None,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[StudentOut]:
    """Return students by id, or those of a class, a person, or an identifier elsewhere."""
    page = datastore.students.search(
        search=search,
        members=Members(class_id, person_id, id__in),
        identifier=identifier,
        filters=filters,
        after=after,
        limit=limit,
    )
    return PageOut[StudentOut].of(page)


@router.post("/batch", dependencies=[WRITE], **batch_route(NewStudent))
async def add_students(request: Request, datastore: Datastore) -> Response:
    """Store students in one transaction, each with its outcome."""

    def store(batch: Batch[NewStudent]) -> BatchOut:
        students = [StudentToStore(**fields) for fields in batch.fields()]
        return batch.answer(datastore.students.add_many(students))

    return await handle_batch(request, NewStudent, store)


@router.get("/{student_id}", dependencies=[READ], responses=ABSENT)
def get_student(student_id: StudentId, datastore: Datastore) -> StudentOut:
    """Return one student."""
    return StudentOut.model_validate(datastore.students.get(student_id))


@router.get(
    "/{student_id}/export",
    dependencies=[EXPENSIVE],
    status_code=200,
    response_class=TemporaryFileAnswer,
    responses=documented_file(MEDIA_TYPE) | ABSENT,
)
def export_student(
    student_id: StudentId,
    datastore: Datastore,
    principal: Annotated[Principal, needs(Permission.EXPORT)],
) -> TemporaryFileAnswer:
    """Return a ZIP of everything that this service stores of the student.

    It has a page to read, JSON of each table, the meaning of each field, and drafts as text. The
    action log gets `student.exported`.
    """

    def write(file: IO[bytes]) -> None:
        datastore.exports.write_zip(student_id, file, actor=principal.name)

    return TemporaryFileAnswer(write, "staffstuddash-export.zip", MEDIA_TYPE)


@router.put("/{student_id}", responses=ABSENT)
def replace_student(
    student_id: StudentId, new: StudentReplacement, datastore: Datastore, principal: Writer
) -> StudentOut:
    """Replace name and e-mail of a stored student; equal ones change nothing."""
    changes = new.model_dump()
    student = datastore.students.update(student_id, changes, actor=principal.name)
    return StudentOut.model_validate(student)


@router.patch("/{student_id}", responses=ABSENT)
def change_student(
    student_id: StudentId, change: StudentChange, datastore: Datastore, principal: Writer
) -> StudentOut:
    """Change name or e-mail; the action log gets the names of the changed fields."""
    changes = change.model_dump(exclude_unset=True)
    student = datastore.students.update(student_id, changes, actor=principal.name)
    return StudentOut.model_validate(student)


@router.delete("/{student_id}", responses=documented(StudentNotFound, StudentHeld))
def delete_student(
    student_id: StudentId,
    datastore: Datastore,
    principal: Annotated[Principal, needs(Permission.ERASE)],
    response: Response,
) -> ErasureOut:
    """Erase everything stored of the student, for good; dropout follows within a minute.

    A student under a legal hold is refused with 409. The id is refused with 410 from then on. A
    repeated request has the same answer, without rows.
    """
    removed, is_replay = datastore.students.delete(student_id, actor=principal.name)
    mark_replay(response, is_replay=is_replay)
    return ErasureOut(pseudonym=pseudonym_of(student_id), removed=removed)


@router.post(
    "/{student_id}/merge",
    responses=documented(
        StudentNotFound, StudentErased, MergedElsewhere, SameStudent, InvalidRequest
    ),
)
def merge_student(
    student_id: StudentId,
    merge: StudentMerge,
    datastore: Datastore,
    principal: Annotated[Principal, needs(Permission.MERGE)],
    response: Response,
) -> MergeOut:
    """Move everything stored of the student to another id; dropout follows within a minute.

    From then on the old id leads to the new one: reads are answered 308, and new rows are stored
    under the new id. A repeated request changes nothing. It cannot be undone.
    """
    report = datastore.merging.merge(student_id, merge.into, actor=principal.name)
    mark_replay(response, is_replay=report.is_replay)
    return MergeOut.model_validate(report)
