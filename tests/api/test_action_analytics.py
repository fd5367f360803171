"""Comparison of interventions over HTTP; the in-memory store has no places."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import select, update
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.drawn_order import Lottery
from dropout_service.models import DrawnPlace, DropoutPrediction
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.follow_ups.states import ActionState
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK, become_owner
from tests.support.factories import days

COMPARISON = "/api/v1/analytics/actions"
ORDERS = "/api/v1/analytics/orders"
START = utc_now() - days(60)


def test_what_followed_is_read_from_the_places_of_weeks(postgres: Database) -> None:
    datastore, dropout = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
    for number in range(1, 7):
        datastore.add_student(f"s{number}", "Pupil")
        for week in range(6):
            rank(dropout, f"s{number}", week, number)
    datastore.actions.add("s1", "coach", "talk", timestamp=START)
    datastore.actions.add("s3", "coach", "note", timestamp=START, is_intervention=False)
    datastore.actions.add("s6", "coach", "late", timestamp=START + days(28))
    app = create_app(datastore, Settings(environment="development"))
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        answer = client.get(COMPARISON, params={"course": "art"})
        other = client.get(COMPARISON, params={"course": "bio"})
        without = client.get(COMPARISON)

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["contacted"]["n"], found["others"]["n"], found["unmatched"]) == (1, 1, 0)
    assert found["too_few"]
    assert (found["students"], found["contacted"]["share"]) == (2, None)
    assert "no proof" in found["note"]
    assert other.json()["contacted"]["n"] == 0
    assert (without.json()["course"], without.json()["contacted"]["n"]) == (None, 1)


def test_weeks_count_what_was_done_and_what_is_still_planned(
    staffstuddash_client: TestClient, datastore: DatastoreManager
) -> None:
    today = utc_now().date()
    monday = today - timedelta(days=today.weekday())
    # 23:30 on the Sunday before in UTC is the Monday in Berlin.
    late = datetime.combine(monday, time(), UTC) - timedelta(minutes=30)
    datastore.add_student("s1", "Pupil")
    datastore.actions.add("s1", "coach", "talk", timestamp=late)
    datastore.actions.add("s1", "coach", "note", timestamp=late, is_intervention=False)
    for due_on in (monday, monday - timedelta(days=1), None):
        datastore.actions.add("s1", "coach", "call", state=ActionState.PLANNED, due_on=due_on)

    def figures(**params: Any) -> list[tuple[int, int]]:
        answer = staffstuddash_client.get("/api/v1/analytics/action-weeks", params=params)
        assert answer.status_code == 200, answer.text
        return [(one["done"], one["planned"]) for one in answer.json()["items"]]

    assert figures(weeks=3) == [(0, 0), (1, 1), (0, 1)]
    assert figures(weeks=3, timezone="Europe/Berlin") == [(0, 0), (0, 1), (1, 1)]
    assert len(figures()) == 8


def rank(
    dropout: DropoutDatabaseManager, student: str, week: int, place: int, ranked: int = 6
) -> None:
    as_of = START + days(7 * week)
    made: Any = dropout.predictions.add(None, student, "SILENT", 0.5, as_of=as_of, course="art")
    with dropout.database.unit_of_work() as session:
        become_owner(session)
        change = update(DropoutPrediction).where(DropoutPrediction.id == made.id)
        session.execute(change.values(course_rank=place, course_ranked=ranked))


def test_it_needs_postgresql(staffstuddash_client: TestClient, datastore: DatastoreManager) -> None:
    answer = staffstuddash_client.get(COMPARISON, params={"course": "art"})

    assert answer.status_code == (501 if datastore.use_fallback else 200)


def test_the_draw_is_analysed_as_it_was_logged(postgres: Database) -> None:
    datastore, dropout = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
    dropout.draws.lottery = Lottery(20, "pepper")
    students = [f"s{number:02}" for number in range(1, 23)]
    for student in students:
        datastore.add_student(student, "Pupil")
    # Of the last two no four weeks are over.
    for week in (0, 1, 4, 5):
        for place, student in enumerate(students, start=1):
            rank(dropout, student, week, place, ranked=22)
        dropout.draws.draw(START + days(7 * week))
    with dropout.database.reading() as session:
        order = select(DrawnPlace.student_id).where(DrawnPlace.as_of == START)
        first, second, *_ = session.scalars(order.order_by(DrawnPlace.position)).all()
    datastore.actions.add(first, "coach", "talk", timestamp=START + days(6))
    # Not in the week after the first draw.
    datastore.actions.add(second, "coach", "late", timestamp=START + days(15))
    app = create_app(datastore, Settings(environment="development"))
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        found, whole, not_cut = (
            client.get(f"{ORDERS}?{query}").json()
            for query in ("top=10&course=art", "top=10", "top=20")
        )

    assert (found["draws"], found["too_few"], not_cut["draws"]) == (2, False, 0)
    assert found["inside"] == {"n": 20, "contacted": 0.05, "still_active": 1, "place_change": 0}
    assert found["outside"] == {"n": 20, "contacted": 0, "still_active": 1, "place_change": 0}
    assert (found["contacted"]["value"], found["contacted"]["n"]) == (0.05, 40)
    assert found["contacted"]["low"] < 0
    # All stayed: the interval has a width nevertheless.
    assert -0.2 < found["still_active"]["low"] < -0.1
    assert found["still_active"]["high"] == -found["still_active"]["low"]
    assert {**whole, "course": "art", "since": found["since"]} == found
    assert "lots decided" in found["note"]
