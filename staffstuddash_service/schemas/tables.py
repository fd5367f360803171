"""Rows of tables: their bodies, and the items that the datastore stores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shared_web.requests.fields import Body, Id, not_reserved
from staffstuddash_service.datastore import AssessmentToStore, StudentToStore, TableKind
from staffstuddash_service.domain.roster import Class, Enrolment, Person
from staffstuddash_service.schemas.assessments import NewAssessment
from staffstuddash_service.schemas.roster.fields import Day
from staffstuddash_service.schemas.roster.resources import ClassReplacement, PersonReplacement
from staffstuddash_service.schemas.students import NewStudent

NewRosterId = Annotated[
    Id, not_reserved("csv"), Field(json_schema_extra={"not": {"enum": ["csv"]}})
]


class NewPerson(PersonReplacement):
    """Member of staff in a table."""

    id: NewRosterId


class NewClass(ClassReplacement):
    """Class in a table."""

    id: NewRosterId


class NewEnrolment(Body):
    """Student of a class in a table; both identify the row."""

    student_id: Id
    class_id: Id
    valid_from: Day | None = None
    valid_to: Day | None = None


@dataclass(frozen=True)
class TableRows:
    """Body of the rows of a table, and the function from its fields to the item to store."""

    model: type[BaseModel]
    item: Callable[[Mapping[str, Any]], Any]


def _person(fields: Mapping[str, Any]) -> Person:
    return Person(**{**fields, "organisation_ids": tuple(fields["organisation_ids"])})


def _class(fields: Mapping[str, Any]) -> Class:
    lists = {name: tuple(fields[name]) for name in ("term_ids", "subjects", "grades")}
    return Class(**{**fields, **lists})


ROWS = {
    TableKind.STUDENTS: TableRows(NewStudent, lambda fields: StudentToStore(**fields)),
    TableKind.PEOPLE: TableRows(NewPerson, _person),
    TableKind.CLASSES: TableRows(NewClass, _class),
    TableKind.ENROLMENTS: TableRows(NewEnrolment, lambda fields: Enrolment("", **fields)),
    TableKind.ASSESSMENTS: TableRows(NewAssessment, lambda fields: AssessmentToStore(**fields)),
}
