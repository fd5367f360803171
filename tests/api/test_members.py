"""Lists limited to the students of a class or of a person, on both stores."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.memberships import Members
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.domain.sort_orders import Order
from tests.support.rosters import (
    a_person,
    a_teaching,
    an_advising,
    an_enrolment,
    fill,
    outcomes,
    today,
)

LISTS = ("/api/v1/dashboard/teacher", "/api/v1/performance-records", "/api/v1/students")


@pytest.fixture
def client(staffstuddash_client: TestClient, datastore: DatastoreManager) -> TestClient:
    """Give a client of a school: t1 teaches s001 and s002 in 5a and advises s004."""
    add_members(datastore)
    return staffstuddash_client


def add_members(datastore: DatastoreManager) -> None:
    fill(datastore, students=6, classes=("5a", "5b"))
    outcomes(datastore, a_person("t2"))
    outcomes(
        datastore,
        an_enrolment("e1"),
        an_enrolment("e2", student_id="s002", valid_from=today()),
        an_enrolment("e3", student_id="s003", valid_to=today()),
        an_enrolment("e4", student_id="s005", class_id="5b"),
        an_enrolment("e5", student_id="s006", valid_from=today(1)),
        # A second enrolment of the same student in the same class.
        an_enrolment("e6", valid_from=today(-3)),
    )
    outcomes(
        datastore,
        a_teaching(),
        a_teaching(id="l2", class_id="5b", valid_to=today(-1)),
        a_teaching(id="l3", person_id="t2", class_id="5b"),
    )
    outcomes(
        datastore,
        an_advising(student_id="s004"),
        an_advising(id="v2", student_id="s001"),
        an_advising(id="v3", student_id="s006", valid_to=today(-9)),
    )


def ids(client: TestClient, path: str, **query: Any) -> list[str]:
    """Return the students on all pages."""
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = client.get(path, params={"limit": 1, **query, **after})
        assert page.status_code == 200, page.text
        found += [row.get("student_id") or row["id"] for row in page.json()["items"]]
        if page.json()["next"] is None:
            return found
        after = {"after": page.json()["next"]}


def test_a_list_is_limited_to_the_members_of_today(
    client: TestClient, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"class_id": "5a"}, ["s001", "s002"]),
        ({"class_id": "5b"}, ["s005"]),
        ({"class_id": "nowhere"}, []),
        ({"person_id": "t1"}, ["s001", "s002", "s004"]),
        ({"person_id": "t2"}, ["s005"]),
        ({"person_id": "nobody"}, []),
        ({"class_id": "5a", "person_id": "t1"}, ["s001", "s002"]),
        ({"class_id": "5a", "person_id": "t2"}, []),
        ({"person_id": "t1", "updated_at__lt": "2000-01-01T00:00:00Z"}, []),
    ]
    for query, expected in cases:
        for path in LISTS:
            with subtests.test(path=path, query=query):
                assert ids(client, path, **query) == expected


def test_every_order_is_limited(client: TestClient, subtests: pytest.Subtests) -> None:
    for sort in ("name", "-name", "-mean_percentage", "last_activity_at"):
        with subtests.test(sort=sort):
            found = sorted(ids(client, LISTS[0], person_id="t1", sort=sort))
            assert found == ["s001", "s002", "s004"]


def test_the_order_by_risk_is_limited(postgres: Database) -> None:
    datastore = DatastoreManager(postgres)
    add_members(datastore)

    for order in (Order.LOWEST_RISK, Order.HIGHEST_RISK):
        page = datastore.teacher_dashboard.search(order=order, members=Members(person_id="t1"))
        assert sorted(row.student_id for row in page) == ["s001", "s002", "s004"]


def test_a_change_counts_with_the_next_request(
    client: TestClient, datastore: DatastoreManager
) -> None:
    datastore.roster.separate(RosterKind.ENROLMENT, class_id="5a", student_id="s002")
    client.put("/api/v1/classes/5a/students/s003", json={})

    for path in LISTS:
        assert ids(client, path, class_id="5a") == ["s001", "s003"]
        assert ids(client, path, person_id="t1") == ["s001", "s003", "s004"]
