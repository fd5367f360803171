"""Path of a request through the files of the repository, from its route to each SQL statement.

It is read from the Python stack when SQLAlchemy sends the statement.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from shared_db.repository import Manager
from tests.support.factories import (
    a_concept,
    a_draft,
    a_learning_event,
    a_student,
    a_system_event,
    an_action,
    an_assessment,
)

ROOT = Path(__file__).parents[2]
REPOSITORY = "shared_db/repository.py"
# Settings of the transaction: sent before the query of the resource.
OPENING = "set_config"
# Fixtures of each service: its client and its manager.
FIXTURES = {
    "staffstuddash": ("staffstuddash_client", "datastore"),
    "dropout": ("dropout_client", "db_manager"),
    "monitoring": ("monitoring_client", "monitoring"),
}


@dataclass(frozen=True)
class Case:
    """Request and its path to the first statement of a kind.

    route: method and path. files: the most files on the way, route and SQL included. before:
    bodies that are sent first, by path.
    """

    service: str
    route: str
    body: Any = None
    statement: str = "INSERT"
    files: int = 4
    before: Sequence[tuple[str, Any]] = ()

    def __str__(self) -> str:
        return f"{self.service} {self.route}"


A_STUDENT = ("/students", a_student())
A_MARK = ("/assessments", an_assessment())
CORRECTION = {"score": 1, "reason": "typing error"}
CASES = (
    Case("staffstuddash", "POST /students", a_student()),
    Case("staffstuddash", "POST /students/batch", [a_student()]),
    Case("staffstuddash", "PATCH /students/s001", {"name": "Grace"}, "UPDATE", before=[A_STUDENT]),
    Case("staffstuddash", "DELETE /students/s001", None, "DELETE", before=[A_STUDENT]),
    Case("staffstuddash", "POST /assessments", an_assessment(), before=[A_STUDENT]),
    Case("staffstuddash", "POST /assessments/batch", [an_assessment()], before=[A_STUDENT]),
    Case(
        "staffstuddash", "PATCH /assessments/a001", CORRECTION, "UPDATE", before=[A_STUDENT, A_MARK]
    ),
    Case(
        "staffstuddash",
        "DELETE /assessments/a001?reason=twice",
        statement="UPDATE",
        before=[A_STUDENT, A_MARK],
    ),
    Case("staffstuddash", "POST /students/s001/drafts", a_draft(), before=[A_STUDENT]),
    Case("staffstuddash", "POST /students/s001/actions", an_action(), before=[A_STUDENT]),
    Case("staffstuddash", "POST /concepts", a_concept()),
    Case("staffstuddash", "GET /students/s001", statement="SELECT", before=[A_STUDENT]),
    Case("staffstuddash", "GET /students/s001/assessments", statement="SELECT", before=[A_STUDENT]),
    Case("staffstuddash", "GET /students/s001/performance", statement="SELECT", before=[A_STUDENT]),
    Case("staffstuddash", "GET /dashboard/teacher", statement="SELECT"),
    Case("staffstuddash", "GET /dashboard/student/s001", statement="SELECT", before=[A_STUDENT]),
    Case("staffstuddash", "GET /dashboard/cohort", statement="WITH"),
    Case("dropout", "POST /students", a_student()),
    Case("dropout", "POST /events", a_learning_event()),
    Case("dropout", "POST /events/batch", [a_learning_event()]),
    Case("monitoring", "POST /monitoring/events", a_system_event(), files=5),
    Case("monitoring", "POST /monitoring/events/batch", [a_system_event()], files=5),
)


@dataclass(frozen=True)
class Sent:
    """Statement, and the files on the stack from the route inwards; a file may occur again."""

    statement: str
    files: Sequence[str]


@pytest.mark.usefixtures("open_database")  # on both stores
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_request_takes_a_short_way_to_its_sql(case: Case, request: pytest.FixtureRequest) -> None:
    client, manager = map(request.getfixturevalue, FIXTURES[case.service])
    for path, body in case.before:
        assert client.post(f"/api/v1{path}", json=body).status_code == 201

    with _traced(manager) as sent:
        _send(client, case)

    queries = [one for one in sent if OPENING not in one.statement]
    first = next(one.files for one in queries if one.statement.startswith(case.statement))
    assert len(set(first)) <= case.files, first
    assert [one for one in sent if _returns(one.files)] == []


def test_a_student_is_inserted_by_four_files(
    staffstuddash_client: TestClient, datastore: Manager
) -> None:
    with _traced(datastore) as sent:
        staffstuddash_client.post("/api/v1/students", json=a_student())

    [insert, *_] = [one for one in sent if one.statement.startswith("INSERT")]
    assert insert.files == [
        "staffstuddash_service/routes/students.py",
        "staffstuddash_service/datastore/students.py",
        REPOSITORY,
        "staffstuddash_service/datastore/students.py",
        "shared_db/writes/idempotent_insert.py",
    ]


@pytest.mark.parametrize(
    ("files", "returns"),
    [
        (["route", "a", REPOSITORY, "a", "insert"], False),
        (["route", "a", REPOSITORY, "b", "insert"], False),
        (["route", "a", "b", "a"], True),
        (["route", "a", REPOSITORY, "b", REPOSITORY], True),
        (["route", "a", REPOSITORY, "a", "b", "route"], True),
    ],
)
def test_a_return_to_a_file_is_found(files: Sequence[str], *, returns: bool) -> None:
    assert _returns(files) is returns


def _returns(files: Sequence[str]) -> bool:
    """Return True if a file occurs again after another one.

    A repository's method that passes its query to `Repository` is still in its own file when the
    query runs.
    """
    left = list(files)
    for place in range(len(left) - 2, 0, -1):
        if left[place] == REPOSITORY and left[place - 1] == left[place + 1]:
            del left[place : place + 2]
    return len(set(left)) < len(left)


def _send(client: TestClient, case: Case) -> None:
    method, path = case.route.split()
    answer = client.request(method, f"/api/v1{path}", json=case.body)
    assert answer.status_code in (200, 201), answer.text


@contextmanager
def _traced(manager: Manager) -> Iterator[list[Sent]]:
    """Give a list that gets the statements sent in the context, with their files."""
    sent: list[Sent] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(Sent(statement, _files_on_stack()))

    bind = manager.database.store.bind
    event.listen(bind, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(bind, "before_cursor_execute", note)


def _files_on_stack() -> list[str]:
    """Return the files of the repository on the stack, outermost first, from the route on.

    A group commit writes in a thread of its own: there the files begin with its queue.
    """
    files: list[str] = []
    frame = inspect.currentframe()
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            files.append(path.relative_to(ROOT).as_posix())
        frame = frame.f_back
    ours = [file for file in reversed(files) if not file.startswith(("tests/", "."))]
    route = next((place for place, file in enumerate(ours) if "/routes/" in file), 0)
    return [file for file, _ in groupby(ours[route:])]
