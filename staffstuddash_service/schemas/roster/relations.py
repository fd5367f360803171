"""Bodies of enrolments, teaching and advising."""

from datetime import date

from pydantic import Field

from shared_web.requests.fields import Body
from staffstuddash_service.schemas.roster.fields import Day, KeptOut

_FROM = "By default the stored day; of a new relation today."
_TO = "The first day on which it is over; by default it has no end."


class RelationReplacement(Body):
    """Days of a relation from now on."""

    valid_from: Day | None = Field(None, description=_FROM)
    valid_to: Day | None = Field(None, description=_TO)


class TeachingReplacement(RelationReplacement):
    """Days of a teacher in a class from now on."""

    is_primary: bool = False


class RelationOut(KeptOut):
    """Relation as stored; `valid_to` is the first day on which it is over."""

    valid_from: date | None
    valid_to: date | None


class EnrolmentOut(RelationOut):
    """Student in a class for some time."""

    student_id: str
    class_id: str


class TeachingOut(RelationOut):
    """Member of staff in a class for some time."""

    person_id: str
    class_id: str
    is_primary: bool


class AdvisingOut(RelationOut):
    """Student of an advisor for some time."""

    person_id: str
    student_id: str
