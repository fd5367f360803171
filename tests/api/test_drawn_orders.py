"""Lists near the top with an order drawn once a week, on PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.drawn_order import OFF, Lottery
from dropout_service.main import create_app
from dropout_service.models import Course, DrawnPlace
from dropout_service.settings import Settings
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from tests.support.databases import LOOPBACK, become_owner
from tests.support.factories import days

STUDENTS = [f"s{number:02}" for number in range(1, 23)]
SIZE, TOP = 5, 12
NOW = utc_now()
MONDAY = NOW.date() - timedelta(days=NOW.weekday())


def settings(size: int = SIZE) -> Settings:
    return Settings(environment="development", randomised_order=size, key_pepper="pepper")


@pytest.fixture
def manager(postgres: Database) -> DropoutDatabaseManager:
    """Give a course with ranked predictions of this week and of the week before."""
    manager = DropoutDatabaseManager(postgres)
    manager.draws.lottery = settings().lottery
    with manager.database.unit_of_work() as session:
        about = {"module": "art", "presentation": "1", "length_days": 3000, "digest": b"0"}
        session.add(Course(id="art", starts_on=MONDAY - timedelta(days=100), **about))
    predict(manager, NOW - days(7), STUDENTS[::-1])
    manager.draws.draw(NOW - days(7))
    predict(manager, NOW, STUDENTS)
    return manager


@pytest.fixture
def client(manager: DropoutDatabaseManager) -> Iterator[TestClient]:
    with TestClient(
        create_app(manager, settings()), f"http://{LOOPBACK}", client=(LOOPBACK, 50000)
    ) as client:
        yield client


def predict(manager: DropoutDatabaseManager, as_of: datetime, ordered: list[str]) -> None:
    for at, student in enumerate(ordered):
        manager.predictions.add(None, student, "SILENT", 0.9 - at / 100, as_of=as_of, course="art")
    with manager.database.unit_of_work() as session:
        become_owner(session)
        rank = "rank() OVER (ORDER BY risk_score DESC) AS place, count(*) OVER () AS ranked"
        session.execute(
            text(
                "UPDATE dropout.dropout_predictions AS p SET course_rank = r.place,"
                f" course_ranked = r.ranked FROM (SELECT id, {rank}"
                " FROM dropout.dropout_predictions WHERE as_of = :as_of) AS r WHERE r.id = p.id"
            ),
            {"as_of": as_of},
        )


def got(client: TestClient, path: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def logged(manager: DropoutDatabaseManager) -> dict[str, tuple[int, int, int, int]]:
    row = DrawnPlace
    query = select(row.student_id, row.place, row.position, row.band_first, row.band_last)
    with manager.database.reading() as session:
        rows = session.execute(query.where(row.week == MONDAY)).all()
    return {id_: (place, position, first, last) for id_, place, position, first, last in rows}


def test_the_lists_agree_with_the_log_of_the_week(
    client: TestClient, manager: DropoutDatabaseManager
) -> None:
    by_place = got(client, "courses/art/changes", top=TOP)
    drawn = manager.draws.draw(NOW), manager.draws.draw(NOW)
    rows = logged(manager)
    changes = got(client, "courses/art/changes", top=TOP)
    brief = got(client, "courses/art/risks", view="brief", limit=TOP)
    following = got(client, "courses/art/risks", view="brief", after=brief["next"])
    [of_all] = got(client, "changes", top=TOP)["items"]

    # Drawn once; until then the list is by place.
    assert (by_place["order"], by_place["bands"], drawn) == ("place", None, (1, 0))
    assert set(rows) == set(STUDENTS)
    order = sorted(rows, key=lambda id_: rows[id_][1])
    assert [rows[id_][1] for id_ in order] == list(range(1, 23))
    assert all(
        first <= place <= last and first <= at <= last for place, at, first, last in rows.values()
    )
    assert order != STUDENTS
    assert [(one["order"], one["bands"]) for one in (changes, brief, of_all)] == [
        ("drawn", {"size": SIZE, "last_place": 200})
    ] * 3
    assert changes == of_all
    listed = {one["student_id"] for kind in ("entered", "stayed") for one in changes[kind]}
    assert listed == set(order[:TOP])
    # Everybody of the bands above the cut is listed, and of the band at the cut two are drawn.
    assert set(STUDENTS[:10]) < listed < set(STUDENTS[:15])
    pages = [one["student_id"] for page in (brief, following) for one in page["items"]]
    assert pages == order
    assert got(client, "courses/art/risks")["items"][0]["student_id"] == "s01"


def test_a_later_run_of_the_week_keeps_the_lots_and_follows_the_places(
    client: TestClient, manager: DropoutDatabaseManager
) -> None:
    manager.draws.draw(NOW)
    before = logged(manager)
    moved = ["s22", *STUDENTS[:-1]]
    later = NOW + timedelta(seconds=1)
    predict(manager, later, moved)

    assert manager.draws.draw(later) == 0
    assert logged(manager) == before
    listed = [one["student_id"] for one in got(client, "courses/art/risks", view="brief")["items"]]
    assert set(listed[:SIZE]) == {"s22", "s01", "s02", "s03", "s04"}
    kept = [id_ for id_ in listed[:SIZE] if id_ != "s22"]
    assert kept == sorted(kept, key=lambda id_: before[id_][1])


def test_switched_off_students_stand_by_place_at_once(
    client: TestClient, manager: DropoutDatabaseManager
) -> None:
    manager.draws.draw(NOW)
    manager.draws.lottery = OFF
    found = got(client, "courses/art/changes", top=TOP)

    assert (found["order"], manager.draws.draw(NOW + days(7))) == ("place", 0)
    listed = {one["student_id"] for kind in ("entered", "stayed") for one in found[kind]}
    assert listed == set(STUDENTS[:TOP])


def test_one_student_keeps_one_position_after_a_merge(manager: DropoutDatabaseManager) -> None:
    manager.draws.draw(NOW)
    kept = logged(manager)["s02"]
    report = manager.merging.merge("s01", "s02")

    assert report.conflicts["drawn_places"] == 2
    assert logged(manager)["s02"] == kept
    assert manager.students.erase("s02")["drawn_places"] == 2
    with manager.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(DrawnPlace)) == 40


@pytest.mark.parametrize("given", [{"randomised_order": 1}, {"randomised_order": 5}])
def test_a_band_of_one_or_a_draw_without_a_secret_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="randomised_order"):
        Settings(environment="development", **given)  # type: ignore[arg-type] # of the test


def test_the_draws_of_two_weeks_differ() -> None:
    lottery = Lottery(SIZE, "pepper")
    places = {id_: at for at, id_ in enumerate(STUDENTS, start=1)}
    weeks = [MONDAY + timedelta(weeks=number) for number in range(20)]
    orders = [lottery.draw("art", week).positions(places) for week in weeks]

    assert len({tuple(sorted(order.items())) for order in orders}) == len(weeks)
    assert orders[0] == lottery.draw("art", weeks[0]).positions(places)
    assert orders[0] != Lottery(SIZE, "salt").draw("art", weeks[0]).positions(places)
