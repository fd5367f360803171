"""Synthetic roster of the demo school: classes, staff, and their relations to students."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from veritas_cli.demo.dataset import Replacement

SCHOOL_NAME = "Made-up School"
SECTIONS = ("a", "b")
# Herbs for surnames, as for the students.
_TEACHERS = ("Thea Thyme", "Milo Mint", "Sara Sage", "Basil Bay")
_ADVISOR = "Cora Coriander"
_WEEKS_TO_COME = 8


@dataclass(frozen=True)
class SchoolRoster:
    """Rows of the roster in the order in which they can be stored, and relations between them."""

    resources: Sequence[Replacement]
    relations: Sequence[Replacement]


def class_id(prefix: str, subject: str, section: str) -> str:
    """Return the id of a class."""
    return f"{prefix}-{subject.lower()}-{section}"


def advisor_id(prefix: str) -> str:
    """Return the id of the advisor, who has the students of the first section."""
    return f"{prefix}-advisor"


def sections_of(students: Sequence[str]) -> dict[str, str]:
    """Return the section of each student: the first half of them are in the first section."""
    half = len(students) // len(SECTIONS)
    return {id_: SECTIONS[place >= half] for place, id_ in enumerate(students)}


def school_roster(
    prefix: str, subjects: Sequence[str], days: tuple[date, date], begins: Mapping[str, date]
) -> SchoolRoster:
    """Return the roster of a school with one course for each subject, in two sections.

    prefix: the beginning of all ids. days: the first day of the term and the day of the demo.
    begins: the first day of each student; the first half of them are in the first section.
    """
    classes = {
        class_id(prefix, subject, section): (subject, section)
        for subject in subjects
        for section in SECTIONS
    }
    return SchoolRoster(
        resources=[
            *_school(prefix, days),
            *_courses(prefix, subjects),
            *_classes(prefix, classes),
            *_people(prefix, subjects),
        ],
        relations=[*_enrolments(classes, begins), *_staff(prefix, classes, days[0], begins)],
    )


def _school(prefix: str, days: tuple[date, date]) -> list[Replacement]:
    first, today = days
    term = {
        "title": "Term of the demo",
        "type": "term",
        "starts_on": first.isoformat(),
        "ends_on": (today + timedelta(weeks=_WEEKS_TO_COME)).isoformat(),
    }
    return [
        Replacement(f"organisations/{prefix}-school", {"name": SCHOOL_NAME}),
        Replacement(f"terms/{prefix}-term", term),
    ]


def _courses(prefix: str, subjects: Sequence[str]) -> list[Replacement]:
    school = {"organisation_id": f"{prefix}-school"}
    return [
        Replacement(
            f"courses/{prefix}-{subject.lower()}",
            {"title": subject, "subjects": [subject]} | school,
        )
        for subject in subjects
    ]


def _classes(prefix: str, classes: Mapping[str, tuple[str, str]]) -> list[Replacement]:
    return [
        Replacement(
            f"classes/{id_}",
            {
                "title": f"{subject} 9{section}",
                "course_id": f"{prefix}-{subject.lower()}",
                "organisation_id": f"{prefix}-school",
                "term_ids": [f"{prefix}-term"],
                "subjects": [subject],
                "grades": ["09"],
            },
        )
        for id_, (subject, section) in classes.items()
    ]


def _people(prefix: str, subjects: Sequence[str]) -> list[Replacement]:
    teachers = zip(subjects, _TEACHERS, strict=True)
    people = {_teacher_id(prefix, subject): (name, "teacher") for subject, name in teachers}
    people[advisor_id(prefix)] = (_ADVISOR, "advisor")
    return [
        Replacement(
            f"people/{id_}",
            {
                "name": name,
                "role": role,
                "email": f"{name.replace(' ', '.').lower()}@school.example",
                "organisation_ids": [f"{prefix}-school"],
            },
        )
        for id_, (name, role) in people.items()
    ]


def _teacher_id(prefix: str, subject: str) -> str:
    return f"{prefix}-teacher-{subject.lower()}"


def _enrolments(
    classes: Mapping[str, tuple[str, str]], begins: Mapping[str, date]
) -> list[Replacement]:
    sections = sections_of(list(begins))
    return [
        Replacement(f"classes/{id_}/students/{student_id}", {"valid_from": day.isoformat()})
        for id_, (_, section) in classes.items()
        for student_id, day in begins.items()
        if sections[student_id] == section
    ]


def _staff(
    prefix: str,
    classes: Mapping[str, tuple[str, str]],
    first: date,
    begins: Mapping[str, date],
) -> list[Replacement]:
    teaching = {"valid_from": first.isoformat(), "is_primary": True}
    taught = [
        Replacement(f"classes/{id_}/staff/{_teacher_id(prefix, subject)}", teaching)
        for id_, (subject, _) in classes.items()
    ]
    sections = sections_of(list(begins))
    advised = [
        Replacement(
            f"people/{advisor_id(prefix)}/students/{student_id}", {"valid_from": day.isoformat()}
        )
        for student_id, day in begins.items()
        if sections[student_id] == SECTIONS[0]
    ]
    return [*taught, *advised]
