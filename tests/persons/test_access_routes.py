"""Access of persons over HTTP and its limits."""

import pytest

from shared_web.auth.keys import KeyManager, Scope
from shared_web.auth.roles import RoleManager
from shared_web.principals import Permission
from staffstuddash_service.datastore import DatastoreManager
from tests.persons.conftest import Open, bearer
from tests.support.issuer import Issuer
from tests.support.service_cases import assert_refused

ACCESS = "/api/v1/people/p-teacher/access"
STUDENTS = "/api/v1/students"


@pytest.fixture
def admin(keys: KeyManager) -> dict[str, str]:
    return bearer(keys.add_key("office", [Scope.ADMIN]))


def test_a_role_is_given_and_revoked(
    open_service: Open, admin: dict[str, str], shared_issuer: Issuer
) -> None:
    client = open_service()
    teacher = bearer(shared_issuer.token(email="teacher@school.example"))
    before = client.get(ACCESS, headers=admin).json()
    assert before == {
        "person_id": "p-teacher",
        "staff_role": "teacher",
        "role": None,
        "is_revoked": False,
        "role_in_force": "teacher",
        "updated_at": None,
        "updated_by": None,
    }

    given = client.put(ACCESS, json={"role": "principal"}, headers=admin).json()
    assert (given["role"], given["updated_by"]) == ("principal", "office")
    assert client.put(ACCESS, json={"role": "principal"}, headers=admin).json() == given
    assert client.get("/api/v1/people", headers=teacher).status_code == 200

    found = client.get("/api/v1/access", params={"search": "TEACH"}, headers=admin).json()
    [item] = [one for one in found["items"] if one["person_id"] == "p-teacher"]
    assert (item["role_in_force"], item["class_count"], item["student_count"]) == (
        "principal",
        0,
        0,
    )
    nobody = client.get("/api/v1/access", params={"search": "%"}, headers=admin).json()
    assert nobody == {"items": [], "next": None}

    revoked = client.delete(ACCESS, headers=admin).json()
    assert (revoked["role"], revoked["is_revoked"]) == (None, True)
    assert revoked["role_in_force"] is None
    assert client.delete(ACCESS, headers=admin).json() == revoked
    assert_refused(client.get(STUDENTS, headers=teacher), 403)

    client.put(ACCESS, json={"role": "teacher"}, headers=admin)
    assert client.get(STUDENTS, headers=teacher).status_code == 200


def test_nobody_gives_more_than_they_have(
    open_service: Open, keys: KeyManager, datastore: DatastoreManager
) -> None:
    client = open_service()
    permissions = [Permission.PEOPLE_MANAGE, Permission.STUDENTS_READ, Permission.DRAFTS_READ]
    office = bearer(keys.add_key("office", permissions))
    refused = client.put(ACCESS, json={"role": "teacher"}, headers=office)

    assert_refused(refused, 403)
    assert "marks.write" in refused.json()["detail"]
    roles = RoleManager(datastore.database)
    roles.put_role("reader", [Permission.STUDENTS_READ])
    assert client.put(ACCESS, json={"role": "reader"}, headers=office).status_code == 200
    assert_refused(client.put(ACCESS, json={"role": "dean"}, headers=office), 422)
    assert datastore.person_access.get("p-teacher").role == "reader"


def test_unknown_people_have_no_access(open_service: Open, admin: dict[str, str]) -> None:
    client = open_service()

    for method, body in (("GET", None), ("PUT", {"role": "teacher"}), ("DELETE", None)):
        answer = client.request(method, "/api/v1/people/x/access", json=body, headers=admin)
        assert_refused(answer, 404)
    assert_refused(client.put(ACCESS, json={"role": ""}, headers=admin), 422)
