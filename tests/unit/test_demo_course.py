"""Demonstration with a course of OULAD: its bodies, predictions, outcomes and notes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.oulad_fixtures.small_course import FILES, write_oulad
from veritas_cli.demo.dataset import Demonstration
from veritas_cli.demo.oulad_course import course_demonstration
from veritas_cli.oulad.csv_files import OuladError, OuladFiles

DAY = 20


def demonstration_of(folder: Path, day: int = DAY) -> Demonstration:
    return course_demonstration(OuladFiles(folder), "AAA/2013J", day)


@pytest.fixture
def demonstration(tmp_path: Path) -> Demonstration:
    return demonstration_of(write_oulad(tmp_path / "oulad"))


def known_by(demonstration: Demonstration, instant: datetime) -> list[dict[str, Any]]:
    events = [(event["occurred_at"], event) for event in demonstration.events()]
    marks = [(mark["timestamp"], mark) for mark in demonstration.assessments]
    return [body for at, body in (*events, *marks) if datetime.fromisoformat(at) <= instant]


def test_students_have_a_number_for_a_name(demonstration: Demonstration) -> None:
    assert demonstration.students[0] == {"id": "oulad-101", "name": "Student 101"}
    assert len(demonstration.students) == 6
    assert demonstration.name_of("oulad-106") == "Student 106"


def test_scored_assessments_have_the_day_of_submission(demonstration: Demonstration) -> None:
    assert demonstration.assessments[0] == {
        "id": "oulad-1-101",
        "student_id": "oulad-101",
        "type": "TMA",
        "subject": "AAA",
        "score": 78,
        "max_score": 100,
        "timestamp": "2013-10-10T12:00:00+00:00",
    }
    assert [mark["score"] for mark in demonstration.assessments] == [78, 30, 20.5]


def test_an_event_has_the_clicks_and_rows_of_a_day(demonstration: Demonstration) -> None:
    events = list(demonstration.events())

    assert len(events) == demonstration.event_count == 8
    assert sum(event["data"]["clicks"] for event in events) == 36
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


def test_predictions_are_as_of_the_end_of_the_day(demonstration: Demonstration) -> None:
    assert demonstration.as_of == datetime(2013, 10, 21, 23, 59, 59, tzinfo=UTC)
    assert demonstration.predictions["oulad-101"] == "oulad-AAA-2013J-101-day-20"


@pytest.mark.parametrize(
    ("day", "registered"),
    [
        (11, "101 102 103 105 106"),
        (12, "101 103 105 106"),
        (29, "101 103 105 106"),
        (30, "101 103 104 105 106"),
        (60, "101 104 105 106"),
    ],
)
def test_only_students_registered_on_the_day_get_a_prediction(
    tmp_path: Path, day: int, registered: str
) -> None:
    predictions = demonstration_of(write_oulad(tmp_path / "oulad"), day).predictions

    assert " ".join(id_.removeprefix("oulad-") for id_ in predictions) == registered


def test_later_clicks_do_not_change_the_data_known_by_the_day(
    tmp_path: Path, demonstration: Demonstration
) -> None:
    head, *rows = FILES["studentVle.csv"].strip().splitlines()
    earlier = [row for row in rows if int(row.split(",")[4]) <= DAY]
    assert len(earlier) < len(rows)
    cut = demonstration_of(write_oulad(tmp_path / "cut", studentVle="\n".join([head, *earlier])))

    assert known_by(cut, cut.as_of) == known_by(demonstration, demonstration.as_of)


def test_outcomes_of_the_students(demonstration: Demonstration) -> None:
    assert demonstration.outcomes == {
        "oulad-101": "Pass",
        "oulad-102": "Withdrawn on day 12",
        "oulad-103": "Withdrawn on day 60",
        "oulad-104": "Distinction",
        "oulad-105": "Fail",
        "oulad-106": "Fail",
    }
    assert demonstration.lost == frozenset({"oulad-102", "oulad-103", "oulad-105", "oulad-106"})


def test_notes_count_the_students_and_submissions_left_out(demonstration: Demonstration) -> None:
    assert demonstration.notes == [
        "Without a prediction: students who had left by the end of day 20 (1).",
        "Without a prediction: students who registered after day 20 (1).",
        "Left out: submissions without a score (1).",
        "Left out: scores carried over from an earlier presentation (1).",
    ]


def test_a_note_warns_of_a_day_after_the_last_click(tmp_path: Path) -> None:
    notes = demonstration_of(write_oulad(tmp_path / "oulad"), 34).notes

    assert any("end on day 33: after it they are missing, not zero" in note for note in notes)


def test_a_course_without_clicks_has_assessments_and_a_note(tmp_path: Path) -> None:
    head = FILES["studentVle.csv"].strip().splitlines()[0]
    demonstration = demonstration_of(write_oulad(tmp_path / "oulad", studentVle=head))

    assert list(demonstration.events()) == []
    assert len(demonstration.assessments) == 3
    assert any("no clicks of this course. That is missing" in n for n in demonstration.notes)


def test_a_note_counts_withdrawals_on_an_unknown_day(tmp_path: Path) -> None:
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
