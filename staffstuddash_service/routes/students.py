"""The record of students."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from shared_db.pseudonyms import pseudonym_of
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import READ, WRITE, Writer
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.batches import Batch, BatchOut, batch_route, handle_batch
from shared_web.requests.csv_body import csv_body, read_csv
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from staffstuddash_service.datastore import StudentToStore
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import StudentErased, StudentExists, StudentNotFound
from staffstuddash_service.routes.batch_answer import answer
from staffstuddash_service.routes.filters import LISTING, Search, StudentFilters, StudentId
from staffstuddash_service.schemas.students import (
    ErasureOut,
    NewStudent,
    StudentChange,
    StudentOut,
)

router = APIRouter(prefix="/students", tags=["students"], route_class=AdmittedRoute)

ABSENT = documented(StudentNotFound, StudentErased)


@router.post("", status_code=201, responses=documented(StudentExists, StudentErased))
def add_student(
    new: NewStudent,
    datastore: Datastore,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> StudentOut:
    """Store a student. The same again answers as before; with other content, 409."""
    student_id = row_id(new.id, key, principal)
    student = datastore.add_student(student_id, new.name, new.email)
    mark_replay(response, is_replay=student.is_replay)
    return StudentOut.model_validate(student)


@router.get("", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_students(
    datastore: Datastore,
    filters: StudentFilters,
    search: Search = None,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[StudentOut]:
    """Return students by id."""
    page = datastore.get_students(search=search, filters=filters, after=after, limit=limit)
    return PageOut[StudentOut].of(page)


@router.post("/batch", dependencies=[WRITE], **batch_route(NewStudent))
async def add_students(request: Request, datastore: Datastore) -> Response:
    """Store many students in one transaction; each has its outcome, a bad one harms no other."""

    def store(batch: Batch[NewStudent]) -> BatchOut:
        students = [StudentToStore(**dict(item)) for item in batch.valid.values()]
        return answer(batch, datastore.add_students(students), "id")

    return await handle_batch(request, NewStudent, store)


@router.post("/csv", dependencies=[WRITE], openapi_extra=csv_body(NewStudent))
async def add_students_from_csv(request: Request, datastore: Datastore) -> BatchOut:
    """Store the students of a table, as `/students/batch` does; `index` counts rows from 0."""
    batch = await read_csv(request, NewStudent)
    students = [StudentToStore(**dict(item)) for item in batch.valid.values()]
    results = await run_in_threadpool(datastore.add_students, students)
    return answer(batch, results, "id")


@router.get("/{student_id}", dependencies=[READ], responses=ABSENT)
def get_student(student_id: StudentId, datastore: Datastore) -> StudentOut:
    """Return one student."""
    return StudentOut.model_validate(datastore.get_student(student_id))


@router.patch("/{student_id}", responses=ABSENT)
def change_student(
    student_id: StudentId, change: StudentChange, datastore: Datastore, principal: Writer
) -> StudentOut:
    """Change name or e-mail; which fields changed is written into the student's actions."""
    changes = change.model_dump(exclude_unset=True)
    student = datastore.change_student(student_id, changes, actor=principal.name)
    return StudentOut.model_validate(student)


@router.delete("/{student_id}", responses=documented(StudentNotFound))
def delete_student(
    student_id: StudentId, datastore: Datastore, principal: Writer, response: Response
) -> ErasureOut:
    """Erase everything stored of the student here, for good; dropout follows within a minute.

    The id is refused with 410 from then on. Deleting again answers as the first time, without rows.
    """
    removed, is_replay = datastore.delete_student(student_id, actor=principal.name)
    mark_replay(response, is_replay=is_replay)
    return ErasureOut(pseudonym=pseudonym_of(student_id), removed=removed)
