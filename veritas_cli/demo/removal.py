"""Removal of the demo school: students are erased, rows of the roster end."""

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from veritas_cli.demo.dataset import Body
from veritas_cli.demo.synthetic_roster import SCHOOL_NAME, school_roster
from veritas_cli.demo.synthetic_school import MAIL_DOMAIN, SUBJECTS, address_of, pupil_ids
from veritas_cli.errors import CommandFailure
from veritas_cli.http_client import Refusal, ServiceName, VeritasClient

_PREFIX = r"demo-[0-9]{4}-[0-9]{2}-[0-9]{2}(?:-run-[0-9]+)?"
_STUDENT = re.compile(rf"({_PREFIX})-[0-9]{{2}}")
_SCHOOL = re.compile(rf"({_PREFIX})-school")
_GONE = "student-gone"


class Removed(NamedTuple):
    """Number of students erased, and of rows of the roster ended."""

    students: int
    rows: int


def is_removed(client: VeritasClient, prefix: str) -> bool:
    """Return True if a student of the school was erased: their ids are refused from then on.

    Raises:
        ClientError: a call failed.

    """
    return any(_answer_type(client, id_) == _GONE for id_ in pupil_ids(prefix))


def _answer_type(client: VeritasClient, student_id: str) -> str | None:
    try:
        client.get(ServiceName.STAFFSTUDDASH, f"/api/v1/students/{student_id}")
    except Refusal as refusal:
        if not _is_absent(refusal):
            raise
        return refusal.type
    return None


def remove_school(client: VeritasClient) -> Removed:
    """Remove the demo schools of all days; what was removed before is left out.

    A school is known by its organisation, or by a student with id and name or e-mail of the demo.
    The organisation ends last, so an interrupted removal can be repeated.

    Raises:
        CommandFailure: nothing of the demo is stored.
        ClientError: a call failed.

    """
    prefixes = sorted({*_prefixes_of_students(client), *_prefixes_of_schools(client)})
    if not prefixes:
        raise CommandFailure("Nothing of the made-up school is stored.")
    students = sum(_erase_students(client, prefix) for prefix in prefixes)
    return Removed(students, sum(_end_roster(client, prefix) for prefix in prefixes))


def _prefixes_of_students(client: VeritasClient) -> Iterator[str]:
    listed = client.pages(ServiceName.STAFFSTUDDASH, "/api/v1/students", search=MAIL_DOMAIN)
    for student in listed:
        match = _STUDENT.fullmatch(student["id"])
        if match and _is_of_demo(student, match[1]):
            yield match[1]


def _prefixes_of_schools(client: VeritasClient) -> Iterator[str]:
    path = "/api/v1/organisations"
    for organisation in client.pages(ServiceName.STAFFSTUDDASH, path, name=SCHOOL_NAME):
        if match := _SCHOOL.fullmatch(organisation["id"]):
            yield match[1]


def _is_of_demo(student: Body, prefix: str) -> bool:
    name = pupil_ids(prefix).get(student["id"])
    return name is not None and (student["name"] == name or student["email"] == address_of(name))


def _erase_students(client: VeritasClient, prefix: str) -> int:
    erased = 0
    for id_ in pupil_ids(prefix):
        path = f"/api/v1/students/{id_}"
        student = _found(client, path)
        if student is not None and _is_of_demo(student, prefix):
            client.delete(ServiceName.STAFFSTUDDASH, path)
            erased += 1
    return erased


def _end_roster(client: VeritasClient, prefix: str) -> int:
    # The days do not matter: only the paths are used.
    roster = school_roster(prefix, SUBJECTS, (date.min, date.min), {})
    ended = 0
    for one in reversed(roster.resources):
        path = f"/api/v1/{one.path}"
        row = _found(client, path)
        if row is not None and row["ended_at"] is None:
            client.delete(ServiceName.STAFFSTUDDASH, path)
            ended += 1
    return ended


def _found(client: VeritasClient, path: str) -> Body | None:
    try:
        row: Body = client.get(ServiceName.STAFFSTUDDASH, path)
    except Refusal as refusal:
        if _is_absent(refusal):
            return None
        raise
    return row


def _is_absent(refusal: Refusal) -> bool:
    return refusal.type == _GONE or refusal.type.endswith("-not-found")
