"""Refused rows of OneRoster exports: line, column and reason, and no value."""

import pytest

from tests.support.oneroster_files import Files, small_school
from tests.support.oneroster_reading import changed, refusals

REFUSED: dict[str, tuple[Files, str]] = {
    "no date": (changed("academicSessions", 0, startDate="8/1/2026"), "line 2, startDate"),
    "no such day": (changed("academicSessions", 0, endDate="2026-02-30"), "line 2, endDate"),
    "days out of order": (changed("enrollments", 0, endDate="2026-08-14"), "line 2, endDate"),
    "unknown kind": (changed("orgs", 1, type="ship"), "line 3, type: refused: must be one of"),
    "unknown class": (changed("enrollments", 1, classSourcedId="cl-9"), "line 3, classSourcedId"),
    "unknown user": (changed("enrollments", 1, userSourcedId="x"), "line 3, userSourcedId"),
    "a teacher as student": (changed("enrollments", 1, userSourcedId="te-1"), "users.csv of a stu"),
    "unknown parent": (changed("orgs", 1, parentSourcedId="dist-9"), "line 3, parentSourcedId"),
    "own parent": (changed("orgs", 1, parentSourcedId="school-1"), "must not be the row itself"),
    "circle": (changed("orgs", 0, parentSourcedId="school-1"), "leads back"),
    "unknown term": (changed("classes", 1, termSourcedIds="fall-26,x"), "line 3, termSourcedIds"),
    "no name": (changed("users", 0, givenName="", familyName=""), "line 2, familyName"),
    "no address": (changed("users", 0, email="none"), "line 2, email"),
    "reserved id": (changed("users", 0, sourcedId="batch"), "line 2, sourcedId"),
    "no number": (changed("results", 0, score="A+"), "line 2, score"),
    "score too high": (changed("results", 0, score="41"), "line 2, score"),
    "unknown item": (changed("results", 0, lineItemSourcedId="x"), "line 2, lineItemSourcedId"),
    "future": (changed("results", 0, scoreDate="2099-01-01"), "line 2, scoreDate"),
    "no maximum": (changed("lineItems", 0, resultValueMax="0"), "line 2, resultValueMax"),
    "no flag": (changed("demographics", 0, asian="maybe"), "line 2, asian"),
}


@pytest.mark.parametrize(("files", "place"), REFUSED.values(), ids=REFUSED)
def test_wrong_rows_are_refused_with_their_place(files: Files, place: str) -> None:
    lines = refusals(files)

    assert any(place in line for line in lines), lines
    assert not [line for line in lines if "Ada" in line or "@" in line]


def test_many_refusals_are_counted_and_the_first_named() -> None:
    files = small_school()
    one = files["enrollments"][0]
    files["enrollments"] = [
        {**one, "sourcedId": f"en-{99 - n}", "role": "wizard"} for n in range(50)
    ]

    lines = refusals(files)

    assert len(lines) == 11
    assert [line.split(":")[0] for line in lines[:2]] == [
        "enrollments.csv, line 2, role",
        "enrollments.csv, line 3, role",
    ]
    assert lines[-1].startswith("enrollments.csv: 40 more refused; of all: 50 x role: must be")
