"""Query parameters by which lists are filtered, and the responses of lists."""

from typing import Annotated

from fastapi import Depends

from dropout_service.domain.enums import DropoutType, EventType, RiskLevel
from dropout_service.errors import StudentErased, StudentMerged, StudentNotFound
from shared_db.errors import QueryTooExpensive
from shared_db.queries.filters import Filter, Operator
from shared_db.queries.pagination import MalformedCursor
from shared_web.problems import InvalidRequest, documented
from shared_web.query.filters import FilterField, FilterSet, choice, flag, instant, number, text
from shared_web.requests.fields import Id

OF_A_STUDENT = documented(
    StudentNotFound,
    StudentErased,
    StudentMerged,
    InvalidRequest,
    MalformedCursor,
    QueryTooExpensive,
)
LISTING = documented(InvalidRequest, MalformedCursor, QueryTooExpensive)

EVENTS = FilterSet(
    choice("event_type", EventType),
    text("question_id"),
    text("course"),
    instant("occurred_at"),
    instant("recorded_at"),
)
ASSESSMENTS = FilterSet(
    text("type"),
    text("subject"),
    text("course"),
    number("score"),
    flag("extra_credit"),
    flag("excused"),
    instant("submitted_at"),
)
PREDICTIONS = FilterSet(
    choice("risk_level", RiskLevel),
    choice("dropout_type", DropoutType),
    number("risk_score"),
    number("momentum_index"),
    text("version"),
    instant("as_of"),
    instant("created_at"),
)

COURSE_RISKS = FilterSet(FilterField("student_id", Id, (Operator.IN,)))

EventFilters = Annotated[tuple[Filter, ...], Depends(EVENTS)]
AssessmentFilters = Annotated[tuple[Filter, ...], Depends(ASSESSMENTS)]
PredictionFilters = Annotated[tuple[Filter, ...], Depends(PREDICTIONS)]
CourseRiskFilters = Annotated[tuple[Filter, ...], Depends(COURSE_RISKS)]
