"""Students, and what is stored under one of them."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from shared_db.paging import MalformedCursor
from shared_web.access import READ, Writer
from shared_web.fields import Id
from shared_web.idempotency import IdempotencyKey, mark_replay, row_id
from shared_web.paging import After, Limit, PageOut
from shared_web.problems import InvalidRequest, documented
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import StudentExists, StudentNotFound
from staffstuddash_service.schemas import AssessmentOut, NewStudent, PerformanceOut, StudentOut

router = APIRouter(prefix="/students", tags=["students"])

StudentId = Annotated[Id, Path(description="The student's id.", examples=["s001"])]
LISTING = documented(InvalidRequest, MalformedCursor)


@router.post("", status_code=201, responses=documented(StudentExists))
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
    mark_replay(response, is_repeat=student.is_repeat)
    return StudentOut.model_validate(student)


@router.get("", dependencies=[READ], responses=LISTING)
def list_students(
    datastore: Datastore, after: After = None, limit: Limit = 100
) -> PageOut[StudentOut]:
    """Return students by id."""
    return PageOut[StudentOut].of(datastore.get_students(after=after, limit=limit))


@router.get("/{student_id}", dependencies=[READ], responses=documented(StudentNotFound))
def get_student(student_id: StudentId, datastore: Datastore) -> StudentOut:
    """Return one student."""
    return StudentOut.model_validate(datastore.get_student(student_id))


@router.get(
    "/{student_id}/assessments",
    dependencies=[READ],
    responses=documented(StudentNotFound) | LISTING,
)
def list_student_assessments(
    student_id: StudentId, datastore: Datastore, after: After = None, limit: Limit = 100
) -> PageOut[AssessmentOut]:
    """Return the student's assessments, the latest first."""
    page = datastore.get_student_assessments(student_id, after=after, limit=limit)
    return PageOut[AssessmentOut].of(page)


@router.get("/{student_id}/performance", dependencies=[READ], responses=documented(StudentNotFound))
def get_performance(student_id: StudentId, datastore: Datastore) -> PerformanceOut:
    """Return what the student's marks add up to."""
    return PerformanceOut.model_validate(datastore.get_performance_record(student_id))
