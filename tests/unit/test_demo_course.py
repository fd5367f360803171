"""What is sent of a course, of whom a prediction is made, and what is said beside it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.oulad_fixtures.small_course import FILES, write_oulad
from veritas_cli.demo.dataset import Demonstration
from veritas_cli.demo.oulad_course import course_demonstration
from veritas_cli.oulad.course import OuladError, read_course

DAY = 20


def demonstration_of(folder: Path, day: int = DAY) -> Demonstration:
    return course_demonstration(read_course(folder, "AAA/2013J"), day)


@pytest.fixture
def demonstration(tmp_path: Path) -> Demonstration:
    return demonstration_of(write_oulad(tmp_path / "oulad"))


def known_by(demonstration: Demonstration, instant: datetime) -> list[dict[str, Any]]:
    events = [(event["occurred_at"], event) for event in demonstration.events()]
    marks = [(mark["timestamp"], mark) for mark in demonstration.assessments]
    return [body for at, body in (*events, *marks) if datetime.fromisoformat(at) <= instant]


def test_students_are_sent_by_number_alone(demonstration: Demonstration) -> None:
    assert demonstration.students[0] == {"id": "oulad-101", "name": "Student 101"}
    assert len(demonstration.students) == 6
    assert demonstration.name_of("oulad-106") == "Student 106"


def test_an_assessment_stands_on_the_day_it_was_handed_in(demonstration: Demonstration) -> None:
    assert demonstration.assessments[0] == {
        "id": "oulad-1-101",
        "student_id": "oulad-101",
        "type": "TMA",
        "subject": "AAA",
        "score": 78,
        "max_score": 100,
        "timestamp": "2013-10-10T12:00:00+00:00",
    }


def test_an_event_tells_clicks_and_rows_of_a_day(demonstration: Demonstration) -> None:
    events = list(demonstration.events())

    assert len(events) == demonstration.event_count == 8
    assert events[0] == {
        "id": "oulad-AAA-2013J-101-day--10",
        "student_id": "oulad-101",
        "event_type": "RESOURCE_VIEW",
        "course": "AAA-2013J",
        "occurred_at": "2013-09-21T12:00:00+00:00",
        "data": {"clicks": 13, "rows": 4, "clicks_by_activity": {"forumng": 6, "oucontent": 7}},
    }


def test_ids_are_distinct(demonstration: Demonstration) -> None:
    bodies = [*demonstration.students, *demonstration.assessments, *demonstration.events()]

    assert len({body["id"] for body in bodies}) == len(bodies)


def test_predicted_are_those_registered_at_the_end_of_the_day(
    demonstration: Demonstration,
) -> None:
    assert demonstration.as_of == datetime(2013, 10, 21, 23, 59, 59, tzinfo=UTC)
    assert demonstration.predictions == {
        f"oulad-{number}": f"oulad-AAA-2013J-{number}-day-20" for number in (101, 103, 105, 106)
    }


def test_what_happens_later_changes_nothing_of_what_is_known_by_the_day(
    tmp_path: Path, demonstration: Demonstration
) -> None:
    head, *rows = FILES["studentVle.csv"].strip().splitlines()
    earlier = [row for row in rows if int(row.split(",")[4]) <= DAY]
    assert len(earlier) < len(rows)
    cut = demonstration_of(write_oulad(tmp_path / "cut", studentVle="\n".join([head, *earlier])))

    assert known_by(cut, cut.as_of) == known_by(demonstration, demonstration.as_of)


def test_what_became_of_the_students(demonstration: Demonstration) -> None:
    assert demonstration.outcomes == {
        "oulad-101": "Pass",
        "oulad-102": "Withdrawn on day 12",
        "oulad-103": "Withdrawn on day 60",
        "oulad-104": "Distinction",
        "oulad-105": "Fail",
        "oulad-106": "Fail",
    }
    assert demonstration.lost == frozenset({"oulad-102", "oulad-103", "oulad-105", "oulad-106"})


def test_notes_say_who_and_what_is_left_out(demonstration: Demonstration) -> None:
    assert demonstration.notes == [
        "Without a prediction: students who had left by the end of day 20 (1).",
        "Without a prediction: students who registered after day 20 (1).",
        "Left out: submissions without a score (1).",
        "Left out: scores carried over from an earlier presentation (1).",
    ]


def test_a_day_after_the_last_click_is_pointed_out(tmp_path: Path) -> None:
    notes = demonstration_of(write_oulad(tmp_path / "oulad"), 34).notes

    assert any("end on day 33: after it they are missing, not zero" in note for note in notes)


def test_a_course_without_clicks_goes_on_with_assessments(tmp_path: Path) -> None:
    head = FILES["studentVle.csv"].strip().splitlines()[0]
    demonstration = demonstration_of(write_oulad(tmp_path / "oulad", studentVle=head))

    assert list(demonstration.events()) == []
    assert len(demonstration.assessments) == 3
    assert any("no clicks of this course. That is missing" in n for n in demonstration.notes)


def test_withdrawn_on_an_unknown_day_is_said(tmp_path: Path) -> None:
    registrations = FILES["studentRegistration.csv"].replace("103,-92,60", "103,-92,")
    demonstration = demonstration_of(
        write_oulad(tmp_path / "oulad", studentRegistration=registrations), 100
    )

    assert demonstration.outcomes["oulad-103"] == "Withdrawn, day not known"
    assert any(
        "on a day that the data do not give, perhaps before (1)" in n for n in demonstration.notes
    )


@pytest.mark.parametrize("day", [-1, 269])
def test_a_day_outside_the_course_is_refused(tmp_path: Path, day: int) -> None:
    with pytest.raises(OuladError, match=f"Day {day} is not in AAA/2013J"):
        demonstration_of(write_oulad(tmp_path / "oulad"), day)
