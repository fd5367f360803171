"""Invitations, sign-ins and the end of sessions over HTTP."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from shared_web.auth.keys import KeyManager, Scope
from shared_web.principals import Permission
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Invitation
from tests.persons.conftest import Open, bearer
from tests.support.service_cases import assert_refused

SIGN_INS = "/api/v1/sign-ins"
PERSON = "/api/v1/people/p-teacher"
ACTING = {"Veritas-On-Behalf-Of": "p-teacher"}


@pytest.fixture
def admin(keys: KeyManager) -> dict[str, str]:
    return bearer(keys.add_key("office", [Scope.ADMIN]))


@pytest.fixture
def page(keys: KeyManager) -> dict[str, str]:
    return bearer(keys.add_key("page", [Permission.ACT_AS]))


def invited(client: TestClient, admin: dict[str, str], **body: int) -> str:
    answer = client.post(f"{PERSON}/invitations", json=body, headers=admin)
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


def test_an_invitation_signs_in_once(
    open_service: Open, admin: dict[str, str], page: dict[str, str]
) -> None:
    client = open_service()
    token = invited(client, admin)

    first, again = (
        client.post(SIGN_INS, json={"invitation": token}, headers=page) for _ in range(2)
    )
    assert first.json() == {
        "person_id": "p-teacher",
        "name": "Emmy Noether",
        "session_revision": 0,
    }
    assert_refused(again, 410)
    assert_refused(client.post(SIGN_INS, json={"invitation": token}, headers=admin), 403)


def test_only_the_latest_invitation_of_a_person_counts(
    open_service: Open, admin: dict[str, str], page: dict[str, str]
) -> None:
    client = open_service()
    replaced, latest = invited(client, admin), invited(client, admin)

    assert_refused(client.post(SIGN_INS, json={"invitation": replaced}, headers=page), 404)
    assert client.delete(f"{PERSON}/invitations", headers=admin).status_code == 204
    assert_refused(client.post(SIGN_INS, json={"invitation": latest}, headers=page), 404)
    withdrawn = invited(client, admin)
    client.delete(f"{PERSON}/access", headers=admin)
    assert_refused(client.post(SIGN_INS, json={"invitation": withdrawn}, headers=page), 404)
    assert_refused(client.post(f"{PERSON}/invitations", json={}, headers=admin), 403)


def test_an_expired_invitation_is_over(
    open_service: Open, admin: dict[str, str], page: dict[str, str], datastore: DatastoreManager
) -> None:
    client = open_service()
    token = invited(client, admin, days=30)
    with datastore.database.unit_of_work() as session:
        row = session.get_one(Invitation, "p-teacher")
        assert token.encode() not in row.digest
        row.expires_at -= timedelta(days=31)

    assert_refused(client.post(SIGN_INS, json={"invitation": token}, headers=page), 410)


def test_nobody_invites_somebody_with_more_rights(
    open_service: Open, keys: KeyManager, admin: dict[str, str]
) -> None:
    office = bearer(keys.add_key("clerk", [Permission.PEOPLE_MANAGE, Scope.READ]))
    client = open_service()
    client.put(f"{PERSON}/access", json={"role": "admin"}, headers=admin)

    refused = client.post(f"{PERSON}/invitations", json={}, headers=office)
    assert_refused(refused, 403)
    assert "keys.manage" in refused.json()["detail"]
    assert_refused(client.post("/api/v1/people/x/invitations", json={}, headers=admin), 404)
    assert_refused(client.post(f"{PERSON}/invitations", json={"days": 31}, headers=admin), 422)


@pytest.mark.parametrize(
    ("login", "person"),
    [("TEACHER@school.example", "p-teacher"), ("u-teacher", "p-teacher"), ("s001", "s001")],
)
def test_a_verified_login_signs_in(
    open_service: Open, page: dict[str, str], login: str, person: str
) -> None:
    answer = open_service().post(SIGN_INS, json={"login": login}, headers=page)

    assert answer.json()["person_id"] == person
    assert answer.json()["name"]


def test_unknown_logins_and_double_proofs_are_refused(
    open_service: Open, page: dict[str, str]
) -> None:
    client = open_service()

    assert_refused(client.post(SIGN_INS, json={"login": "nobody@x.example"}, headers=page), 403)
    for body in ({}, {"login": "u-teacher", "invitation": "x"}, {"invitation": "a b"}):
        assert_refused(client.post(SIGN_INS, json=body, headers=page), 422)


def test_sign_outs_and_revocations_raise_the_revision(
    open_service: Open, admin: dict[str, str], page: dict[str, str]
) -> None:
    client = open_service()

    def revision() -> int:
        me = client.get("/api/v1/me", headers=page | ACTING).json()
        assert me["full_name"] == "Emmy Noether"
        found: int = me["session_revision"]
        return found

    assert revision() == 0
    own = client.post(f"{PERSON}/sign-outs", headers=page | ACTING)
    assert (own.status_code, own.json()) == (200, {"session_revision": 1})
    assert client.get(f"{PERSON}/access", headers=admin).json()["role"] is None
    assert_refused(client.post("/api/v1/people/p-aide/sign-outs", headers=page | ACTING), 403)
    client.post(f"{PERSON}/sign-outs", headers=admin)
    assert revision() == 2
    client.delete(f"{PERSON}/access", headers=admin)
    assert_refused(client.get("/api/v1/me", headers=page | ACTING), 403)
    client.put(f"{PERSON}/access", json={"role": "teacher"}, headers=admin)
    assert revision() == 3
    assert_refused(client.post("/api/v1/people/x/sign-outs", headers=admin), 404)


def test_other_services_know_no_names(open_service: Open, page: dict[str, str]) -> None:
    me = open_service("dropout").get("/api/v1/me", headers=page | ACTING).json()

    assert (me["full_name"], me["session_revision"]) == (None, None)
