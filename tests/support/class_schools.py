"""School with two classes on PostgreSQL, with dropout over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from shared_db.connection.database import Database
from shared_db.settings import Environment, Fallback
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import LOOPBACK
from tests.support.factories import NOON, days
from tests.support.rosters import a_class, an_enrolment, fill, outcomes
from tests.support.services import PARTS

# The last day of the rows, and its noon.
AS_OF = NOON + days(80)
FIRST = NOON.date()
TODAY = FIRST + timedelta(days=80)


class ClassSchool:
    """Both services on one PostgreSQL, with dropout over HTTP."""

    def __init__(
        self, datastore: DatastoreManager, dropout: DropoutDatabaseManager, client: TestClient
    ) -> None:
        self.datastore = datastore
        self.dropout = dropout
        self._client = client

    def post(self, path: str, status: int = 201, **body: Any) -> dict[str, Any]:
        """Return the answer to a POST about a student."""
        body = {"as_of": AS_OF.isoformat()} | body
        answer = self._client.post(f"/api/v1/students/{path}", json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def get(self, path: str, status: int = 200, **query: Any) -> dict[str, Any]:
        """Return the answer to a GET."""
        answer = self._client.get(f"/api/v1/{path}", params=query)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def enrol(self, *spans: tuple[int | None, int | None], student: str = "s001") -> None:
        """Enrol a student in 5a from the first to before the second day of each span."""
        for number, span in enumerate(spans):
            first, end = (None if one is None else FIRST + timedelta(days=one) for one in span)
            record = an_enrolment(
                f"{student}-{number}", student_id=student, valid_from=first, valid_to=end
            )
            assert outcomes(self.datastore, record) == ["stored"]

    def work(self, student: str, *on_days: float, course: str | None = "5a") -> None:
        """Store a right answer on each of the days since the first one."""
        self.dropout.events.add_many(
            [
                EventToStore(
                    student,
                    EventType.QUESTION_SUBMIT,
                    question_id=f"q-{course}-{day}",
                    course=course,
                    data={"correct": True},
                    occurred_at=NOON + days(day),
                )
                for day in on_days
            ]
        )

    def mark(self, student: str, day: float, score: float, subject: str = "Math") -> None:
        """Store a mark of so many of 100 points in staffstuddash."""
        self.datastore.assessments.add(student, "quiz", subject, score, timestamp=NOON + days(day))

    def features(self, student: str, **body: Any) -> dict[str, Any]:
        """Return the student's features."""
        return dict(self.post(f"{student}/features", **body)["features"])


@contextmanager
def opened_class_school(postgres: Database) -> Iterator[ClassSchool]:
    """Open a school with the classes 5a and 5b, and the students s001 to s004."""
    datastore, manager = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
    settings = PARTS["dropout"].settings(environment=Environment.DEVELOPMENT, fallback=Fallback.OFF)
    app = PARTS["dropout"].create_app(manager, settings)
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        fill(datastore, students=4, classes=())
        for id_, subjects in (("5a", ("Math", "Physics")), ("5b", ())):
            outcomes(datastore, a_class(id_, course_id=None, term_ids=(), subjects=subjects))
        yield ClassSchool(datastore, manager, client)
