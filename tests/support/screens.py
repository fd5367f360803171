"""Screens of the pages in all their states, on the school of `page_schools`."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from pydantic import SecretStr
from sqlalchemy import Integer, func, update
from starlette.testclient import TestClient

from dropout_service.models import DropoutPrediction
from monitoring_service.database import MonitoringDatabase
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.results import OnConflict
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager
from shared_web.auth.roles import RoleManager
from shared_web.principals import Permission, Scope
from staffstuddash_service.domain.follow_ups.jobs import ImportState
from staffstuddash_service.domain.follow_ups.states import ActionState
from staffstuddash_service.domain.roster import RosterKind, StaffRole
from staffstuddash_service.models import ImportJob
from tests.support.evaluated_models import store_model
from tests.support.incidents import add_incidents
from tests.support.page_schools import CLASS, HOSTILE, NAMES, TEACHER, PageSchool
from tests.support.pages import pages, services
from tests.support.rosters import a_person
from veritas_web.languages import COOKIE
from veritas_web.services.all import NAMES as SERVICES
from veritas_web.settings import Settings

STUDENT = "/students/s004"
KEY = "timetable"
AIDE = "<script>alert(2)</script>"
# By name; each address with a page is here at least once.
SCREENS = {
    "today": "/",
    "classes": "/classes",
    "class": f"/classes/{CLASS}",
    "class by reason": f"/classes/{CLASS}?reason=missed_work",
    "class searched": f"/classes/{CLASS}?q=a",
    "class without hits": f"/classes/{CLASS}?q=nobody",
    "whole class": f"/classes/{CLASS}/all",
    "students": "/students",
    "students without hits": "/students?q=nobody",
    "student": STUDENT,
    "student of a class": f"{STUDENT}?course={CLASS}",
    "student with little known": "/students/s005",
    "student with a note": f"{STUDENT}?action=a-1",
    "student with a verdict": f"{STUDENT}?feedback=p-1:f-1",
    "form": f"{STUDENT}/write-down?course={CLASS}&prediction=p-1",
    "more": "/more",
    "people": "/people",
    "people without hits": "/people?q=nobody",
    "person": f"/people/{TEACHER}",
    "roles": "/roles",
    "open a student": "/break-glass/open?student=s004",
    "freshness": "/freshness",
    "quality": "/quality",
    "effects": "/effects",
    "effects of a class": f"/effects?course={CLASS}",
    "school": "/school",
    "meeting": "/meeting",
    "meeting of a class": f"/meeting?class={CLASS}",
}
# For heads and school IT: a teacher may not open them.
CHECKED_IMPORT, RUNNING_IMPORT = "i-checked", "i-running"
OFFICE: dict[str, str] = {
    "new role": "/new-role",
    "role": "/roles/nurse",
    "role to delete": "/roles/nurse/delete",
    "keys": "/keys",
    "new key": "/new-key",
    "key to revoke": f"/keys/{KEY}/revoke",
    "reads": f"{STUDENT}/reads",
    "export": f"{STUDENT}/export",
    "erasure": f"{STUDENT}/erase",
    "erasure of a held student": "/students/s003/erase",
    "hold": "/students/s003/hold",
    "openings": "/break-glass",
    "imports": "/imports",
    "new import": "/imports/new/students",
    "checked import": f"/imports/{CHECKED_IMPORT}",
    "running import": f"/imports/{RUNNING_IMPORT}",
    "systems": "/system",
    "systems with incidents that are over": "/system?over=true",
    "incident": "/system/incidents/i-1",
    "incident without events": "/system/incidents/i-2",
}
# Of a student about themself.
OWN = {"own page": "/me", "own page answered": "/me?answered=true"} | {
    f"own {name}": f"/me/{name}" for name in ("data", "reads")
}
STUDENT_READER, NEW_STUDENT = "s001", "s002"
# Those about monitoring.
SYSTEMS = {name: OFFICE[name] for name in ("systems", "incident")}
# Without data of the school.
OTHERS = {
    "act as": "/act-as",
    "invitation": "/sign-in/invitation?token=secret",
    "half an invitation": "/sign-in/invitation",
    "not found": "/nothing",
    "unknown student": "/students/s999",
}
EMPTY = ("today", "classes", "students", "freshness", "quality", "school", "meeting", "systems")


@dataclass(frozen=True)
class Rendered:
    """Screen as it was rendered; state: the person or the service that is away."""

    screen: str
    state: str
    status: int
    html: str

    def __str__(self) -> str:
        return f"{self.screen}, {self.state}"


def complete(school: PageSchool) -> None:
    """Complete the school, so that every block has something to show.

    A step is planned, an answer, a model and places are stored, and events are late.
    """
    school.datastore.actions.add(
        "s001",
        TEACHER,
        "call.home",
        state=ActionState.PLANNED,
        assigned_to=TEACHER,
        due_on=utc_now().date() - timedelta(days=1),
        data={"note": "ask for <b>Monday</b>"},
    )
    _add_imports(school)
    school.datastore.actions.add_answer("s001", "I was <b>ill</b>.")
    # Days with events in a row, and none since a week ago: they are late.
    for days in range(8, 12):
        at = utc_now() - timedelta(days=days)
        school.dropout.events.add(
            None, "s003", "q1", "QUESTION_SUBMIT", occurred_at=at, course=CLASS
        )
    store_model(school.dropout)
    # As a run over the class stores them: the score is 1 less a tenth of the place.
    place = func.round((1 - DropoutPrediction.risk_score) * 10).cast(Integer)
    with school.dropout.database.unit_of_work() as session:
        session.execute(
            update(DropoutPrediction).values(course_rank=place, course_ranked=len(NAMES))
        )
    _complete_rights(school)


def _complete_rights(school: PageSchool) -> None:
    """Store what the pages of the office show: a role, a key, a hold, an opening."""
    database, aide = (
        school.datastore.database,
        a_person("p-aide", role=StaffRole.AIDE, name=AIDE),
    )
    RoleManager(database).put_role("nurse", [Permission.STUDENTS_READ])
    keys = KeyManager(database)
    if KEY not in {key.name for key in keys.list_keys()}:
        keys.add_key(KEY, [Scope.READ])
    # With one in force, services that start later would require a key.
    keys.revoke_key(KEY)
    school.datastore.roster.apply(RosterKind.PERSON, [aide], "manual")
    school.datastore.person_access.give("p-aide", "nurse", actor=HOSTILE)
    school.datastore.holds.put("s003", HOSTILE, actor="office")
    school.datastore.break_glass.open("s002", "p-aide", f"an emergency {HOSTILE}")


def _add_imports(school: PageSchool) -> None:
    """Store an import with problems, and one that is being read."""
    figures = {"changed": 0, "repeated": 0, "attempts": 1, "is_cancelled": False, "stored": 1}
    problem = {"line": 3, "column": 2, "field": "name", "message": "Field required"}
    jobs = {
        CHECKED_IMPORT: (ImportState.CHECKED, [problem, {**problem, "column": None}]),
        RUNNING_IMPORT: (ImportState.RUNNING, []),
    }
    with school.datastore.database.unit_of_work() as session:
        for id_, (state, problems) in jobs.items():
            session.merge(
                ImportJob(
                    **figures,
                    id=id_,
                    kind="students",
                    state=state,
                    on_conflict=OnConflict.REFUSE,
                    dry_run=True,
                    requested_by=TEACHER,
                    encoding="windows-1252",
                    rows_read=2,
                    rows_total=3,
                    refused=len(problems),
                    problems=problems,
                    created_at=utc_now(),
                    started_at=utc_now(),
                    needs_confirmation=True,
                    columns=[CLASS, HOSTILE, TEACHER],
                )
            )

    add_incidents(MonitoringDatabase(school.datastore.database))


def rendered(school: PageSchool, language: str = "en") -> Iterator[Rendered]:
    """Give each screen in each of its states."""
    with school.pages() as client:
        yield from _all(client, SCREENS | OFFICE | OTHERS, "developer", language)
        yield _refused_form(client)
    with school.pages(acting=TEACHER) as client:
        yield from _all(client, SCREENS, "teacher", language)
    for student in (STUDENT_READER, NEW_STUDENT):
        with school.pages(acting=student) as client:
            yield from _all(client, OWN, f"student {student}", language)
            yield _refused_answer(client)
    with school.pages(acting=STUDENT_READER, away=("dropout",)) as client:
        yield from _all(client, OWN, "without dropout", language)
    for away in ("dropout", "staffstuddash"):
        with school.pages(away=(away,)) as client:
            yield from _all(client, SCREENS | OFFICE, f"without {away}", language)
    with school.pages(away=("monitoring",)) as client:
        yield from _all(client, {"today": "/"} | SYSTEMS, "without monitoring", language)
    with school.pages(away=SERVICES) as client:
        yield from _all(client, {"today": "/"}, "without services", language)
    with _sign_in(school) as client:
        yield from _all(client, {"sign in": "/sign-in"}, "nobody", language)
    with empty_pages() as client:
        chosen = {name: (SCREENS | OFFICE)[name] for name in EMPTY}
        yield from _all(client, chosen, "empty installation", language)


@contextmanager
def empty_pages() -> Iterator[TestClient]:
    """Give the pages of an installation without data."""
    opened: list[Database] = []

    def in_memory(metadata: object) -> Database:
        opened.append(Database.in_memory(metadata))  # type: ignore[arg-type] # of the services
        return opened[-1]

    with services(in_memory) as apps, pages(apps) as client:
        yield client
    for database in opened:
        database.close()


def _sign_in(school: PageSchool) -> AbstractContextManager[TestClient]:
    settings = Settings(environment=Environment.DEVELOPMENT, web_key=SecretStr("key"))
    return pages(school.apps, settings=settings)


def _all(
    client: TestClient, screens: dict[str, str], state: str, language: str
) -> Iterator[Rendered]:
    client.cookies.set(COOKIE, language)
    render = partial(_rendered, client, state)
    yield from (render(name, path) for name, path in screens.items())


def _rendered(client: TestClient, state: str, name: str, path: str) -> Rendered:
    answer = client.get(path)
    return Rendered(name, state, answer.status_code, answer.text)


def _refused_answer(client: TestClient) -> Rendered:
    headers = {"Origin": str(client.base_url).rstrip("/")}
    answer = client.post("/me/answers", data={"name": "form-1", "text": " "}, headers=headers)
    return Rendered("own page", "student refused", answer.status_code, answer.text)


def _refused_form(client: TestClient) -> Rendered:
    headers = {"Origin": str(client.base_url).rstrip("/")}
    form = {"name": "form-1", "kind": "plan", "course": CLASS, "prediction_id": "p-1"}
    answer = client.post(f"{STUDENT}/write-down", data=form, headers=headers)
    return Rendered("form", "refused", answer.status_code, answer.text)
