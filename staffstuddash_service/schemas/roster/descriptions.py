"""Bodies of guardians, identifiers and demographics of a student."""

from datetime import date

from pydantic import Field

from shared_web.requests.fields import (
    Body,
    Email,
    Id,
    IdentifierValue,
    JsonObject,
    Label,
    Out,
    PersonName,
)
from staffstuddash_service.domain.roster import Demographics, Guardian, Identifier, IdentifierKind
from staffstuddash_service.schemas.roster.fields import Day, SourcedOut

_MOST_ITEMS = 50


class NewGuardian(Body):
    """Guardian of a student."""

    id: Id = Field(examples=["g001"])
    name: PersonName = Field(examples=["Anne Byron"])
    relation: Label | None = Field(None, examples=["mother"])
    email: Email | None = None
    phone: Label | None = None

    def record(self, student_id: str) -> Guardian:
        """Return the record of the student."""
        return Guardian(student_id=student_id, **vars(self))


class GuardiansReplacement(Body):
    """All guardians of a student from now on."""

    items: list[NewGuardian] = Field(max_length=_MOST_ITEMS)


class GuardianOut(SourcedOut):
    """Guardian as stored."""

    id: str
    student_id: str
    name: str
    relation: str | None
    email: str | None
    phone: str | None


class GuardiansOut(Out):
    """All guardians of a student."""

    items: list[GuardianOut]


class NewIdentifier(Body):
    """Id, account or mailbox of a student in another system."""

    system: Label = Field(examples=["moodle"])
    kind: IdentifierKind = Field(strict=False)
    value: IdentifierValue = Field(examples=["ada.lovelace"])

    def record(self, student_id: str) -> Identifier:
        """Return the record of the student."""
        return Identifier(student_id, **vars(self))


class IdentifiersReplacement(Body):
    """All identifiers of a student from now on."""

    items: list[NewIdentifier] = Field(max_length=_MOST_ITEMS)


class IdentifierOut(SourcedOut):
    """Identifier as stored."""

    student_id: str
    system: str
    kind: IdentifierKind
    value: str


class IdentifiersOut(Out):
    """All identifiers of a student."""

    items: list[IdentifierOut]


class DemographicsReplacement(Body):
    """Demographics of a student from now on, for the audit of fairness."""

    birth_date: Day | None = None
    sex: Label | None = None
    attributes: JsonObject = Field({}, description="Further attributes of the school's choice.")

    def record(self, student_id: str) -> Demographics:
        """Return the record of the student."""
        return Demographics(student_id, **vars(self))


class DemographicsOut(SourcedOut):
    """Demographics as stored."""

    student_id: str
    birth_date: date | None
    sex: str | None
    attributes: dict[str, object]
