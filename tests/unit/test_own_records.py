"""Reads and work of a student, as their own pages show them."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from veritas_web.domain.own.reads import ReadLine, reads_of
from veritas_web.domain.own.records import work_of

BERLIN = ZoneInfo("Europe/Berlin")


def a_read(at: str, *roles: str, kind: str = "person") -> dict[str, Any]:
    return {"read_at": at, "kind": kind, "roles": list(roles)}


def test_reads_are_counted_by_day_of_the_school_and_role() -> None:
    first = [
        a_read("2026-03-02T23:30:00Z", "teacher"),
        a_read("2026-03-02T12:00:00Z", "student", kind="student"),
        a_read("2026-03-02T11:00:00Z", kind="system"),
    ]
    second = [a_read("2026-03-03T08:00:00Z", "teacher")]

    found = reads_of([{"items": one, "next": None} for one in (first, second)], BERLIN)

    assert found.since is None
    assert found.lines == [
        ReadLine(date(2026, 3, 3), "teacher", 2),
        ReadLine(date(2026, 3, 2), "system", 1),
    ]


def test_days_that_one_service_lists_only_in_part_are_left_out() -> None:
    long = [a_read("2026-03-05T08:00:00Z", "teacher"), a_read("2026-03-04T08:00:00Z", "teacher")]
    short = [a_read("2026-03-01T08:00:00Z", "teacher")]

    found = reads_of([{"items": long, "next": "x"}, {"items": short, "next": None}], BERLIN)

    assert found.since == date(2026, 3, 4)
    assert [line.day for line in found.lines] == [date(2026, 3, 5), date(2026, 3, 4)]


def test_work_to_come_is_apart_and_marks_of_a_class_are_no_work() -> None:
    def piece(state: str, due_on: str | None, type_: str | None = "essay") -> dict[str, Any]:
        return {"state": state, "due_on": due_on, "type": type_}

    early, late = piece("missing", "2026-01-01"), piece("handed_in", "2026-02-01")
    ahead = piece("not_due", "2026-12-01")
    mark = piece("handed_in", None, None)

    assert work_of([early, late, ahead, mark]) == ([ahead], [late, early])
