"""Synthetic school: the same for a whole day, all in the past, and true to its profiles."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from dropout_service.schemas.events import NewLearningEvent
from staffstuddash_service.schemas.assessments import NewAssessment
from staffstuddash_service.schemas.roster.relations import TeachingReplacement
from staffstuddash_service.schemas.roster.resources import (
    ClassReplacement,
    CourseReplacement,
    OrganisationReplacement,
    PersonReplacement,
    TermReplacement,
)
from staffstuddash_service.schemas.students import NewStudent
from veritas_cli.demo.dataset import Demonstration
from veritas_cli.demo.student_profiles import (
    FADING,
    GONE,
    NEVER_SEEN,
    SILENT,
    STRUGGLING,
    THRIVING,
    StudentProfile,
)
from veritas_cli.demo.synthetic_school import PUPILS, school_demonstration

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def school() -> Demonstration:
    return school_demonstration(NOW)


def bodies(school: Demonstration) -> list[dict[str, Any]]:
    return [*school.students, *school.assessments, *school.events()]


def ids_of(school: Demonstration, profile: StudentProfile) -> set[str]:
    return {s["id"] for s in school.students if PUPILS[s["name"]] is profile}


def last_activity(school: Demonstration) -> dict[str, datetime]:
    last: dict[str, datetime] = {}
    for event in school.events():
        at = datetime.fromisoformat(event["occurred_at"])
        last[event["student_id"]] = max(at, last.get(event["student_id"], at))
    return last


def share_correct(school: Demonstration, profile: StudentProfile) -> float:
    answers: list[bool] = [
        event["data"]["correct"]
        for event in school.events()
        if event["event_type"] == "QUESTION_SUBMIT"
        and event["student_id"] in ids_of(school, profile)
    ]
    return sum(answers) / len(answers)


def test_the_school_is_the_same_for_a_whole_day(school: Demonstration) -> None:
    later = school_demonstration(NOW + timedelta(hours=14))

    assert bodies(later) == bodies(school)
    assert later.predictions == school.predictions
    assert later.as_of == school.as_of == datetime(2026, 3, 2, tzinfo=UTC)


def test_the_school_of_the_next_day_has_other_ids(school: Demonstration) -> None:
    later = school_demonstration(NOW + timedelta(days=1))

    assert {b["id"] for b in bodies(later)}.isdisjoint(b["id"] for b in bodies(school))


def test_the_roster_is_ordered_and_its_relations_have_ends(school: Demonstration) -> None:
    paths = [one.path for one in school.resources]
    known = {path.split("/")[1] for path in paths} | {s["id"] for s in school.students}
    models: dict[str, type[BaseModel]] = {
        "organisations": OrganisationReplacement,
        "terms": TermReplacement,
        "courses": CourseReplacement,
        "classes": ClassReplacement,
        "people": PersonReplacement,
    }

    assert list(dict.fromkeys(path.split("/")[0] for path in paths)) == list(models)
    for one in school.resources:
        models[one.path.split("/")[0]].model_validate(one.body)
    for relation in school.relations:
        _, id_, _, other = relation.path.split("/")
        assert {id_, other} <= known
        TeachingReplacement.model_validate(relation.body)
    assert len({relation.path for relation in school.relations}) == len(school.relations)


def test_another_run_of_the_day_has_other_ids(school: Demonstration) -> None:
    second = school_demonstration(NOW, 2)

    assert {b["id"] for b in bodies(second)}.isdisjoint(b["id"] for b in bodies(school))
    assert {r.path for r in second.resources}.isdisjoint(r.path for r in school.resources)


def test_the_school_has_24_students_in_several_subjects(school: Demonstration) -> None:
    assert len(school.students) == len(school.predictions) == 24
    assert len({mark["subject"] for mark in school.assessments}) == 4
    assert len({profile.name for profile in PUPILS.values()}) == 10


def test_all_events_are_within_the_past_ten_weeks(school: Demonstration) -> None:
    instants = [
        datetime.fromisoformat(body.get("occurred_at") or body["timestamp"])
        for body in [*school.events(), *school.assessments]
    ]

    assert school.as_of - timedelta(weeks=10) <= min(instants)
    assert max(instants) < school.as_of


def test_ids_are_distinct(school: Demonstration) -> None:
    assert len({body["id"] for body in bodies(school)}) == len(bodies(school))


def test_the_services_accept_every_body() -> None:
    past = school_demonstration(NOW - timedelta(days=365))

    for student in past.students:
        NewStudent.model_validate(student)
    for mark in past.assessments:
        NewAssessment.model_validate(mark)
    for event in past.events():
        NewLearningEvent.model_validate(event)


def test_the_data_match_the_profiles(school: Demonstration) -> None:
    last = last_activity(school)
    silence = {id_: school.as_of - at for id_, at in last.items()}
    marks = Counter(mark["student_id"] for mark in school.assessments)

    assert all(silence[id_] < timedelta(days=7) for id_ in ids_of(school, THRIVING))
    assert all(silence[id_] > timedelta(days=13) for id_ in ids_of(school, FADING))
    assert all(silence[id_] > timedelta(days=41) for id_ in ids_of(school, GONE))
    assert all(silence[id_] < timedelta(days=7) for id_ in ids_of(school, SILENT))
    assert all(marks[id_] < 5 for id_ in ids_of(school, SILENT))
    assert last.keys().isdisjoint(ids_of(school, NEVER_SEEN))
    assert share_correct(school, THRIVING) > 0.85
    assert share_correct(school, STRUGGLING) < 0.45
