"""Query parameters by which lists are searched and filtered."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from shared_db.errors import QueryTooExpensive
from shared_db.queries.filters import Filter
from shared_db.queries.pagination import MalformedCursor
from shared_web.problems import InvalidRequest, documented
from shared_web.query.filters import (
    FilterSet,
    choice,
    day,
    flag,
    instant,
    number,
    split_at_commas,
    text,
)
from shared_web.query.time_zones import ZoneName
from shared_web.requests.fields import Id
from shared_web.requests.text import at_most
from staffstuddash_service.domain.drafts import ChangeType
from staffstuddash_service.domain.follow_ups.states import ActionState
from staffstuddash_service.domain.integrity import IntegrityLabel
from staffstuddash_service.domain.learning import LearningState
from staffstuddash_service.domain.performance_status import Status
from staffstuddash_service.domain.risk import RiskLevel
from staffstuddash_service.domain.sort_keys import sort_key
from staffstuddash_service.schemas.roster.fields import Day

LISTING = documented(InvalidRequest, MalformedCursor, QueryTooExpensive)


def _require_letters(text: str) -> str:
    # An empty key would be a part of every name.
    if not sort_key(text):
        raise ValueError("must have a visible character")
    return text


Search = Annotated[
    Annotated[
        str,
        StringConstraints(min_length=1, strip_whitespace=True),
        AfterValidator(at_most(100, _require_letters)),
        Field(json_schema_extra={"maxLength": 100}),
    ]
    | None,
    Query(description="A part of the name or e-mail; case and accents are ignored."),
]


Timezone = Annotated[
    ZoneName,
    Query(description="Time zone in which today begins.", examples=["Europe/Berlin"]),
]

OfClass = Annotated[Id | None, Query(description="Only students of this class today.")]
OfCourse = Annotated[
    Id | None,
    Query(description="Only students of this course or class, with their risk in it."),
]
OfPerson = Annotated[
    Id | None, Query(description="Only students taught or advised by this person today.")
]

MOST_IDS = 1000
IdsIn = Annotated[
    list[Id], Field(min_length=1, max_length=MOST_IDS), BeforeValidator(split_at_commas)
]
_THESE = f"Only these students, at most {MOST_IDS}; separated by commas, or repeated."
IdIn = Annotated[IdsIn | None, Query(alias="id__in", description=_THESE)]
StudentIdIn = Annotated[IdsIn | None, Query(alias="student_id__in", description=_THESE)]

_RECORD = (
    choice("status", Status),
    choice("learning_state", LearningState),
    choice("integrity_label", IntegrityLabel),
    flag("sudden_jump_flag"),
    number("mean_percentage"),
    number("trend_per_30_days"),
    number("assessment_count"),
    number("grit_level"),
    instant("last_activity_at"),
    instant("updated_at"),
)

STUDENTS = FilterSet(text("email"), instant("created_at"), instant("updated_at"))
ASSESSMENTS = FilterSet(
    text("type"),
    text("subject"),
    text("topic"),
    number("score"),
    number("max_score"),
    flag("extra_credit"),
    flag("excused"),
    instant("timestamp"),
)
DRAFTS = FilterSet(
    text("assignment_id"),
    choice("change_type", ChangeType),
    flag("sudden_jump_flag"),
    instant("timestamp"),
)
ACTIONS = FilterSet(
    text("student_id"),
    text("actor"),
    text("action"),
    flag("is_intervention"),
    instant("timestamp"),
    choice("state", ActionState),
    day("due_on", Day),
    text("assigned_to"),
    text("prediction_id"),
)
RECORDS = FilterSet(*_RECORD)
DASHBOARD = FilterSet(*_RECORD, number("risk_score"), choice("risk_level", RiskLevel))

StudentFilters = Annotated[tuple[Filter, ...], Depends(STUDENTS)]
AssessmentFilters = Annotated[tuple[Filter, ...], Depends(ASSESSMENTS)]
DraftFilters = Annotated[tuple[Filter, ...], Depends(DRAFTS)]
ActionFilters = Annotated[tuple[Filter, ...], Depends(ACTIONS)]
RecordFilters = Annotated[tuple[Filter, ...], Depends(RECORDS)]
DashboardFilters = Annotated[tuple[Filter, ...], Depends(DASHBOARD)]
