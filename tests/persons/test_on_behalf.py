"""Systems act for persons, with the rights of the person alone."""

from typing import Any

import pytest
from starlette.datastructures import Headers

from shared_web.auth.keys import KeyManager, Scope
from shared_web.auth.tokens.logins import person_named
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest
from staffstuddash_service.datastore import DatastoreManager
from tests.persons.conftest import Open, bearer
from tests.support.factories import a_student
from tests.support.issuer import Issuer
from tests.support.service_cases import assert_refused

STUDENTS = "/api/v1/students"
HEADER = "Veritas-On-Behalf-Of"


@pytest.fixture
def page(keys: KeyManager) -> str:
    """Give the key of a system that may act for persons, and do nothing itself."""
    return keys.add_key("page", [Permission.ACT_AS])


@pytest.mark.parametrize(
    "login", ["teacher@school.example", "TEACHER@school.example", "u-teacher", "p-teacher"]
)
def test_the_system_has_the_rights_of_the_person_alone(
    open_service: Open, keys: KeyManager, login: str
) -> None:
    client = open_service()
    page = bearer(keys.add_key("page", [Permission.ACT_AS, Scope.ADMIN]))
    acting = {**page, HEADER: login}

    assert client.get(STUDENTS, headers=acting).status_code == 200
    refused = client.post(STUDENTS, json=a_student(id="s1"), headers=acting)
    assert_refused(refused, 403)
    assert "which p-teacher lacks" in refused.json()["detail"]
    assert client.post(STUDENTS, json=a_student(id="s1"), headers=page).status_code == 201


def test_the_key_itself_needs_no_other_permission(open_service: Open, page: str) -> None:
    client = open_service()

    me = client.get("/api/v1/me", headers=bearer(page, **{HEADER: "s001"})).json()
    assert (me["name"], me["through"]) == ("s001", "page")
    assert client.get(STUDENTS, headers=bearer(page, **{HEADER: "s001"})).status_code == 200
    assert_refused(client.get(STUDENTS, headers=bearer(page)), 403)


def test_every_other_key_is_refused(open_service: Open, keys: KeyManager) -> None:
    everything_else = keys.add_key("admin", [Scope.ADMIN])
    answer = open_service().get(STUDENTS, headers=bearer(everything_else, **{HEADER: "u-teacher"}))

    assert_refused(answer, 403)
    assert "`act_as`" in answer.json()["detail"]


def test_an_unknown_person_is_refused(open_service: Open, page: str) -> None:
    client = open_service()

    answer = client.get(STUDENTS, headers=bearer(page, **{HEADER: "nobody"}))
    assert_refused(answer, 403)
    assert "nobody of this login" in answer.json()["detail"]
    # Before the person: an unknown key learns nothing.
    assert_refused(client.get(STUDENTS, headers=bearer("veritas_x", **{HEADER: "s001"})), 401)


def test_a_revoked_person_is_refused(
    open_service: Open, page: str, datastore: DatastoreManager
) -> None:
    datastore.person_access.revoke("p-teacher", actor="test")
    answer = open_service().get(STUDENTS, headers=bearer(page, **{HEADER: "u-teacher"}))

    assert_refused(answer, 403)
    assert "revoked" in answer.json()["detail"]


@pytest.mark.parametrize("value", [b"", b"  ", b"a\tb", b"a" * 201])
def test_a_malformed_header_is_refused(open_service: Open, page: str, value: bytes) -> None:
    sent: Any = [(b"Authorization", b"Bearer " + page.encode()), (HEADER.encode(), value)]

    answer = open_service().get(STUDENTS, headers=sent)
    assert_refused(answer, 422)
    assert HEADER in answer.json()["detail"]


def test_a_header_that_is_not_utf_8_is_refused() -> None:
    headers = Headers(raw=[(HEADER.lower().encode(), b"zo\xeb")])

    with pytest.raises(InvalidRequest):
        person_named(headers)


def test_two_headers_are_refused(open_service: Open, page: str) -> None:
    sent = [("Authorization", f"Bearer {page}"), (HEADER, "s001"), (HEADER, "s002")]

    assert_refused(open_service().get(STUDENTS, headers=sent), 422)


def test_a_login_may_have_any_letters(
    open_service: Open, page: str, datastore: DatastoreManager
) -> None:
    datastore.students.add("Zoë", "Zoë", None)
    sent: Any = [
        (b"Authorization", b"Bearer " + page.encode()),
        (HEADER.encode(), "Zoe\u0308".encode()),
    ]

    assert open_service().get(STUDENTS, headers=sent).status_code == 200


def test_a_token_acts_for_its_own_person_alone(
    open_service: Open, shared_issuer: Issuer, datastore: DatastoreManager
) -> None:
    datastore.person_access.give("p-teacher", "admin", actor="test")
    token = shared_issuer.token(email="teacher@school.example")
    answer = open_service().get(STUDENTS, headers=bearer(token, **{HEADER: "s001"}))

    assert_refused(answer, 403)


def test_the_log_names_the_system(
    open_service: Open, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = open_service(log_format="json")
    client.get(STUDENTS, headers=bearer(page, **{HEADER: "u-teacher"}))

    logged = "".join(capsys.readouterr())
    assert "page for a person" in logged
    assert "teacher" not in logged
