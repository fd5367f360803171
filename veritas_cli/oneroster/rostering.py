"""Drafts of organisations, terms, courses, classes, enrolments and demographics."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from staffstuddash_service.domain.roster import (
    Class,
    ClassType,
    Course,
    Demographics,
    Enrolment,
    Organisation,
    OrganisationType,
    Teaching,
    Term,
    TermType,
)
from veritas_cli.oneroster.drafts import Draft, Need, Reference, referring
from veritas_cli.oneroster.reading.cells import LeftOut, Row, RowRefused
from veritas_cli.oneroster.reading.columns import ORIGINS, RACES, File
from veritas_cli.oneroster.reading.staging import StagedRow

_EXTENSION = "ext:"
_ORGANISATIONS = {
    "school": OrganisationType.SCHOOL,
    "department": OrganisationType.DEPARTMENT,
    "district": OrganisationType.DISTRICT,
    "local": OrganisationType.DISTRICT,
    "state": OrganisationType.OTHER,
    "national": OrganisationType.OTHER,
}
_TERMS = {
    "schoolYear": TermType.SCHOOL_YEAR,
    "semester": TermType.SEMESTER,
    "term": TermType.TERM,
    "gradingPeriod": TermType.GRADING_PERIOD,
}
_CLASSES = {"scheduled": ClassType.SCHEDULED, "homeroom": ClassType.HOMEROOM}
_ENROLMENTS = {role: role for role in ("student", "teacher", "administrator", "proctor", "aide")}
_SEXES = {sex: sex for sex in ("female", "male", "other", "unspecified")}
_YEARS = range(1900, 2201)
_DAY = timedelta(days=1)


def _organisation(staged: StagedRow) -> Draft:
    row = Row(staged.cells)
    parent = _parent(row, staged)
    record = Organisation(
        staged.id,
        row.label("name"),
        OrganisationType.OTHER
        if _is_extension(row, "type")
        else row.choice("type", _ORGANISATIONS),
        row.label_or_none("identifier"),
        parent,
    )
    return Draft(staged, (record,), referring("parentSourcedId", File.ORGANISATIONS, parent))


def _session(staged: StagedRow) -> Draft:
    row = Row(staged.cells)
    parent = _parent(row, staged)
    year = row.whole_or_none("schoolYear")
    if year is not None and year not in _YEARS:
        raise RowRefused("schoolYear", f"must be a year from {_YEARS[0]} to {_YEARS[-1]}")
    starts, ends_on = _days(row)
    type_ = TermType.TERM if _is_extension(row, "type") else row.choice("type", _TERMS)
    record = Term(staged.id, row.label("title"), type_, starts, ends_on, parent, year)
    return Draft(staged, (record,), referring("parentSourcedId", File.SESSIONS, parent))


def _days(row: Row) -> tuple[date, date]:
    """Return the first and the last day; `endDate` is the first day after the session."""
    starts, ends = row.day("startDate"), row.day("endDate")
    row.span("startDate", "endDate")
    return starts, max(starts, ends - _DAY)


def _course(staged: StagedRow) -> Draft:
    row = Row(staged.cells)
    organisation = row.id_or_none("orgSourcedId")
    record = Course(
        staged.id,
        row.label("title"),
        row.label_or_none("courseCode"),
        organisation,
        row.labels("subjects"),
        row.labels("grades"),
    )
    return Draft(staged, (record,), referring("orgSourcedId", File.ORGANISATIONS, organisation))


def _class(staged: StagedRow) -> Draft:
    row = Row(staged.cells)
    course, school = row.id_or_none("courseSourcedId"), row.id_or_none("schoolSourcedId")
    terms = row.ids("termSourcedIds")
    record = Class(
        staged.id,
        row.label("title"),
        row.choice("classType", _CLASSES) if row.has("classType") else ClassType.SCHEDULED,
        row.label_or_none("classCode"),
        course,
        school,
        terms,
        row.labels("subjects"),
        row.labels("grades"),
        row.label_or_none("location"),
    )
    references = (
        *referring("courseSourcedId", File.COURSES, course),
        *referring("schoolSourcedId", File.ORGANISATIONS, school),
        Reference("termSourcedIds", File.SESSIONS, terms),
    )
    return Draft(staged, (record,), references)


def _role(staged: StagedRow) -> Draft:
    row = Row(staged.cells)
    user = Reference("userSourcedId", File.USERS, (row.id("userSourcedId"),))
    organisation = row.id_or_none("orgSourcedId")
    others = referring("orgSourcedId", File.ORGANISATIONS, organisation)
    return Draft(staged, (), (user, *others))


def _enrollment(staged: StagedRow) -> Draft:
    row = Row(staged.cells)
    class_, user = row.id("classSourcedId"), row.id("userSourcedId")
    valid_from, valid_to = row.span("beginDate", "endDate")
    if _is_extension(row, "role"):
        raise LeftOut("the role is an extension of the standard")
    role = row.choice("role", _ENROLMENTS)
    if role not in ("student", "teacher"):
        raise LeftOut(f"the role in the class is {role}")
    is_student = role == "student"
    need = Need.STUDENT if is_student else Need.STAFF
    references = (
        Reference("classSourcedId", File.CLASSES, (class_,)),
        Reference("userSourcedId", File.USERS, (user,), need),
    )
    if is_student:
        return Draft(
            staged, (Enrolment(staged.id, user, class_, valid_from, valid_to),), references
        )
    is_primary = bool(row.flag_or_none("primary"))
    record = Teaching(staged.id, user, class_, valid_from, valid_to, is_primary)
    return Draft(staged, (record,), references)


def _demographics(staged: StagedRow) -> Draft:
    row = Row(staged.cells)
    attributes: dict[str, Any] = {}
    for column in RACES:
        if (flag := row.flag_or_none(column)) is not None:
            attributes[column] = flag
    for column in ORIGINS:
        if (text := row.label_or_none(column)) is not None:
            attributes[column] = text
    sex = row.choice("sex", _SEXES) if row.has("sex") else None
    record = Demographics(staged.id, row.past_day_or_none("birthDate"), sex, attributes)
    student = Reference("sourcedId", File.USERS, (staged.id,), Need.STUDENT, is_optional=True)
    return Draft(staged, (record,), (student,))


def _is_extension(row: Row, column: str) -> bool:
    return row.cells.get(column, "").lower().startswith(_EXTENSION)


def _parent(row: Row, staged: StagedRow) -> str | None:
    parent = row.id_or_none("parentSourcedId")
    if parent == staged.id:
        raise RowRefused("parentSourcedId", "must not be the row itself")
    return parent


ROW_DRAFTS: Mapping[File, Callable[[StagedRow], Draft]] = MappingProxyType(
    {
        File.ORGANISATIONS: _organisation,
        File.SESSIONS: _session,
        File.COURSES: _course,
        File.CLASSES: _class,
        File.ROLES: _role,
        File.ENROLLMENTS: _enrollment,
        File.DEMOGRAPHICS: _demographics,
    }
)
