"""Risks and places of courses, as this service publishes them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text, update

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import DropoutPrediction
from shared_db.connection.database import Database
from tests.support.databases import become_owner
from tests.support.factories import NOON, days

MONDAY = NOON - timedelta(days=NOON.weekday())
SIGNS = [{"name": "pause", "contribution": 0.2, "is_sign": True}]
OTHERS = [
    {"name": "marks", "contribution": 0.9, "is_sign": False},
    {"name": "load", "contribution": 0.5, "is_sign": True},
]


def predict(
    manager: DropoutDatabaseManager,
    course: str | None,
    risk: float,
    as_of: datetime = MONDAY,
    **columns: Any,
) -> None:
    made = manager.predictions.add(None, "ada", "ENGAGEMENT", risk, as_of=as_of, course=course)
    if not columns:
        return
    with manager.database.unit_of_work() as session:
        become_owner(session)
        change = update(DropoutPrediction).where(DropoutPrediction.id == made.id)
        session.execute(change.values(**columns))


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.reading() as session:
        return [tuple(row) for row in session.execute(text(query))]


def test_the_latest_risk_in_each_course_is_published(postgres: Database) -> None:
    manager = DropoutDatabaseManager(postgres)
    predict(manager, "art", 0.3)
    predict(manager, "art", 0.4, MONDAY + days(1), course_rank=2, course_ranked=7)
    predict(manager, "bio", 0.8)
    predict(manager, None, 0.5)

    query = (
        "SELECT course, risk_score, version, is_class, course_rank, course_ranked"
        " FROM dropout.published_course_risks ORDER BY course"
    )
    assert rows(postgres, query) == [
        ("art", 0.4, "given", False, 2, 7),
        ("bio", 0.8, "given", False, None, None),
    ]
    overall = "SELECT course, version, course_rank FROM dropout.published_risk"
    assert rows(postgres, overall) == [("bio", "given", None)]


def test_each_place_is_published_with_its_first_reason(postgres: Database) -> None:
    manager = DropoutDatabaseManager(postgres)
    shown = {"primary_indicators": SIGNS, "secondary_indicators": OTHERS}
    predict(manager, "art", 0.3)
    for day, rank in ((1, 3), (7, 4)):
        ranked = {"course_rank": rank, "course_ranked": 20}
        predict(manager, "art", 0.3, MONDAY + days(day), **ranked, **shown)

    assert rows(postgres, "SELECT * FROM dropout.published_places ORDER BY as_of") == [
        ("ada", "art", MONDAY + days(1), 3, 20, "load"),
        ("ada", "art", MONDAY + days(7), 4, 20, "load"),
    ]
