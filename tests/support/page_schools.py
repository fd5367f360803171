"""School with one class in which the first places changed, for the pages of staff."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.advice import ADVICE
from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.risk import IndicatorResult
from dropout_service.domain.sentences.sentence import Sentence
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.domain.roster import RosterKind, StaffRole
from tests.support.databases import service_database
from tests.support.pages import pages, services
from tests.support.rosters import a_class, a_person, a_teaching, an_enrolment, outcomes

CLASS = "5a"
TEACHER, OTHER_TEACHER = "p-teacher", "p-other"
HOSTILE = "<script>alert(1)</script>"
# By place a week ago, and now.
BEFORE = ("s001", "s002", "s003", "s004", "s005")
NOW = ("s004", "s001", "s003", "s002", "s005")
NAMES = {
    "s001": "Ada Lovelace",
    "s002": "Bob \u202e drowssap",
    "s003": HOSTILE,
    "s004": "Dora",
    "s005": "É" * 200,
}


@dataclass(frozen=True)
class PageSchool:
    """School on PostgreSQL, with the apps of the services as in development, without keys."""

    datastore: DatastoreManager
    dropout: DropoutDatabaseManager
    apps: Mapping[str, ASGIApp]

    @contextmanager
    def pages(
        self, *, away: tuple[str, ...] = (), acting: str | None = None, seen: int = 2
    ) -> Iterator[TestClient]:
        """Give the pages of a developer, or in the sight of a person; seen: students in a list."""
        with pages(self.apps, away=away) as client:
            client.cookies.set("veritas-students", str(seen))
            if acting is not None:
                headers = {"Origin": str(client.base_url).rstrip("/")}
                answer = client.post("/act-as", data={"person": acting}, headers=headers)
                assert answer.status_code == 303, answer.text
            yield client


@contextmanager
def page_school(engine: Engine) -> Iterator[PageSchool]:
    """Give the school on a migrated database."""
    with services(partial(service_database, engine)) as apps:
        yield filled_school(engine, apps)


def filled_school(engine: Engine, apps: Mapping[str, ASGIApp]) -> PageSchool:
    """Fill a migrated database; return the school with these apps on it."""
    database = Database.for_bind(engine, role="none")
    school = PageSchool(DatastoreManager(database), DropoutDatabaseManager(database), apps)
    _fill(school)
    return school


def sign(missed: int, due: int = 5) -> IndicatorResult:
    """Return a reason: work was missed."""
    return IndicatorResult(
        name="missed_work",
        part=DropoutType.SILENT,
        value=float(missed),
        compared_with=None,
        severity=0.5,
        contribution=0.4,
        text=f"{missed} of {due} assessments due were missed (course: 1).",
        sentence=Sentence("missed_work.missed", {"missed": missed, "due": due, "usual": 1}),
    )


def _fill(school: PageSchool) -> None:
    school.datastore.students.add_many(
        [StudentToStore(name, id=id_) for id_, name in NAMES.items()]
    )
    staff = [a_person(id_, role=StaffRole.TEACHER, name=id_) for id_ in (TEACHER, OTHER_TEACHER)]
    school.datastore.roster.apply(RosterKind.PERSON, staff, "manual")
    outcomes(school.datastore, a_class(CLASS, term_ids=(), course_id=None, organisation_id=None))
    outcomes(school.datastore, a_teaching(class_id=CLASS, person_id=TEACHER))
    outcomes(
        school.datastore,
        *(an_enrolment(f"e-{id_}", student_id=id_, class_id=CLASS) for id_ in NAMES),
    )
    now = utc_now()
    before = now - timedelta(days=7)
    for as_of, order in ((before, BEFORE), (now - timedelta(hours=1), NOW)):
        for place, id_ in enumerate(order, 1):
            school.dropout.predictions.add(
                None,
                id_,
                DropoutType.SILENT,
                1 - place / 10,
                as_of=as_of,
                primary_indicators=[sign(6 - place)],
                recommendations=[ADVICE["missed_work"]],
            )
    school.dropout.events.add(
        None, "s004", "q1", "QUESTION_SUBMIT", occurred_at=before, course=CLASS
    )
    school.datastore.assessments.add("s004", "quiz", "Math", 70)
    school.datastore.actions.add("s001", TEACHER, "talk.with-student")
