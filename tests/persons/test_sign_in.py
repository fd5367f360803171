"""Persons sign in to each service with an access token."""

import time
from typing import Any

import pytest
from sqlalchemy import Connection
from starlette.testclient import TestClient

from shared_db.errors import ConfigurationError
from shared_db.settings import Environment
from shared_web.auth.tokens import signing_keys
from shared_web.principals import BUILT_IN_ROLES
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.settings import Settings
from tests.persons.conftest import Open, bearer
from tests.support.databases import LOOPBACK, service_database
from tests.support.factories import a_student
from tests.support.issuer import Issuer
from tests.support.service_cases import assert_refused
from tests.support.services import PARTS
from tests.support.tokens import private_key

STUDENTS = "/api/v1/students"
READS = {
    "staffstuddash": STUDENTS,
    "dropout": "/api/v1/courses",
    "monitoring": "/api/v1/monitoring/logs",
}
BY_GROUP = {"oidc_role_claim": "groups", "oidc_roles": "it:admin,heads:principal"}


@pytest.mark.parametrize("service", PARTS)
def test_a_person_signs_in_beside_keys(
    open_service: Open, shared_issuer: Issuer, service: str
) -> None:
    client, path = open_service(service, **BY_GROUP), READS[service]
    head = shared_issuer.token(groups=["heads"], email="principal@school.example")

    assert client.get(path, headers=bearer(head)).status_code == 200
    assert_refused(client.get(path), 401)
    assert_refused(client.get(path, headers=bearer("veritas_unknown")), 401)


@pytest.mark.parametrize("service", PARTS)
def test_every_service_knows_the_person(
    open_service: Open, shared_issuer: Issuer, service: str
) -> None:
    token = shared_issuer.token(email="Advisor@school.example")
    me = open_service(service).get("/api/v1/me", headers=bearer(token)).json()

    assert (me["name"], me["kind"]) == ("p-advisor", "person")
    assert me["permissions"] == sorted(BUILT_IN_ROLES["advisor"].permissions)
    assert (me["id"], me["roles"], me["sees_all"]) == ("p-advisor", ["advisor"], False)
    assert me["through"] is None


def test_a_role_decides_on_permissions(open_service: Open, shared_issuer: Issuer) -> None:
    client = open_service(**BY_GROUP)
    teacher = bearer(shared_issuer.token(email="teacher@school.example"))
    admin = bearer(shared_issuer.token(email="teacher@school.example", groups="it"))

    refused = client.post(STUDENTS, json=a_student(id="s1"), headers=teacher)
    assert_refused(refused, 403)
    assert "`students.write`" in refused.json()["detail"]
    assert client.post(STUDENTS, json=a_student(id="s1"), headers=admin).status_code == 201


def test_reasons_of_refusals_have_nothing_of_the_token(
    open_service: Open, shared_issuer: Issuer
) -> None:
    client = open_service()
    now = int(time.time())
    for changes, reason in (
        ({"exp": now - 100}, "expired"),
        ({"nbf": now + 1000}, "not valid yet"),
        ({"aud": "secret-client"}, "another audience"),
        ({"iss": "https://secret.example"}, "another issuer"),
        ({"email": None}, "OIDC_PERSON_CLAIM"),
        ({"email_verified": False}, "not verified"),
    ):
        answer = client.get(STUDENTS, headers=bearer(shared_issuer.token(**changes)))
        assert_refused(answer, 401)
        assert answer.json()["type"] == "urn:veritas:problem:unauthenticated"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert reason in answer.json()["detail"]
        assert "secret" not in answer.text
        assert "emmy" not in answer.text


def test_refused_tokens_count_as_unknown_keys(open_service: Open, shared_issuer: Issuer) -> None:
    client = open_service()
    forged = shared_issuer.token(private_key(kid="forged"))
    good = bearer(shared_issuer.token(email="teacher@school.example"))

    statuses = [client.get(STUDENTS, headers=bearer(forged)).status_code for _ in range(40)]

    assert statuses[:20] == [401] * 20
    assert 429 in statuses
    assert client.get(STUDENTS, headers=bearer("veritas_x")).status_code in (401, 429)
    assert client.get(STUDENTS, headers=good).status_code == 200


def test_people_without_a_role_are_told_the_remedy(
    open_service: Open, shared_issuer: Issuer
) -> None:
    answer = open_service().get(STUDENTS, headers=bearer(shared_issuer.token()))

    assert_refused(answer, 403)
    assert "OIDC_ROLES" in answer.json()["detail"]
    assert "emmy" not in answer.text


def test_without_an_issuer_a_token_is_an_unknown_key(
    open_service: Open, shared_issuer: Issuer
) -> None:
    client = open_service(oidc_issuer="", oidc_audience="")
    answer = client.get(STUDENTS, headers=bearer(shared_issuer.token()))

    assert_refused(answer, 401)
    assert "key is not known" in answer.json()["detail"]


@pytest.mark.parametrize("environment", Environment)
def test_with_an_issuer_no_key_is_needed_and_nobody_else_admitted(
    connection: Connection, shared_issuer: Issuer, environment: Environment
) -> None:
    parts = PARTS["staffstuddash"]
    settings = Settings(
        environment=environment,
        **shared_issuer.settings(oidc_role_claim="groups", oidc_roles="it:admin"),
    )
    app = parts.app(service_database(connection, parts.metadata), settings)
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        person = client.get(STUDENTS, headers=bearer(shared_issuer.token(groups="it")))
        nobody = client.get(STUDENTS)

    assert person.status_code == 200
    assert_refused(nobody, 401)
    assert "KEY_OR_TOKEN" in nobody.json()["detail"]


def test_an_issuer_that_is_away_is_no_refusal_of_the_person(
    open_service: Open, shared_issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "PAUSE_SECONDS", 0)
    client = open_service(oidc_jwks_url=f"{shared_issuer.url}/absent")
    answer = client.get(STUDENTS, headers=bearer(shared_issuer.token()))

    assert_refused(answer, 503)
    assert answer.json()["type"] == "urn:veritas:problem:issuer-unavailable"
    assert int(answer.headers["Retry-After"]) >= 1


def test_requests_are_limited_by_person(open_service: Open, shared_issuer: Issuer) -> None:
    client = open_service(rate_limit_requests=2, rate_limit_seconds=3600)
    one, same, other = (
        bearer(shared_issuer.token(email=f"{name}@school.example", jti=jti))
        for name, jti in (("teacher", "1"), ("Teacher", "2"), ("advisor", "3"))
    )

    assert [client.get(STUDENTS, headers=one).status_code for _ in range(2)] == [200, 200]
    assert client.get(STUDENTS, headers=same).status_code == 429
    assert client.get(STUDENTS, headers=other).status_code == 200


def test_an_idempotency_key_of_a_person_is_not_that_of_a_key(
    open_service: Open, shared_issuer: Issuer, keys: Any, datastore: DatastoreManager
) -> None:
    """Even if the key has the name of the person."""
    datastore.person_access.give("p-teacher", "admin", actor="test")
    client = open_service()
    person = shared_issuer.token(email="teacher@school.example")
    system = keys.add_key("p-teacher", ["admin"])
    header = {"Idempotency-Key": "form-1"}

    one, again, other = (
        client.post(STUDENTS, json={"name": "Ada"}, headers=bearer(caller, **header))
        for caller in (person, person, system)
    )

    assert one.json()["id"] == again.json()["id"] != other.json()["id"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in other.headers


def test_the_person_is_the_actor(
    open_service: Open, shared_issuer: Issuer, datastore: DatastoreManager
) -> None:
    datastore.person_access.give("p-teacher", "admin", actor="test")
    client = open_service()
    person = bearer(shared_issuer.token(email="teacher@school.example"))

    client.patch(f"{STUDENTS}/s001", json={"name": "Ada King"}, headers=person)

    [action] = client.get(f"{STUDENTS}/s001/actions", headers=person).json()["items"]
    assert action["actor"] == "p-teacher"


def test_the_log_names_no_person(
    open_service: Open, shared_issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    client = open_service(log_format="json")
    capsys.readouterr()
    token = shared_issuer.token(email="teacher@school.example")
    client.get(STUDENTS, headers=bearer(token))
    client.get(STUDENTS, headers=bearer(shared_issuer.token(email="nobody@school.example")))
    client.get(STUDENTS, headers=bearer(shared_issuer.token(aud="x")))

    logged = "".join(capsys.readouterr())
    assert "token for a person" in logged
    assert "school.example" not in logged
    assert "p-teacher" not in logged
    assert token not in logged


def test_rows_in_memory_are_not_shown_to_persons(shared_issuer: Issuer) -> None:
    settings = Settings(environment=Environment.DEVELOPMENT, **shared_issuer.settings())
    app = PARTS["staffstuddash"].create_app(settings=settings)
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        refused = client.get(STUDENTS, headers=bearer(shared_issuer.token()))
        developer = client.get(STUDENTS)

    assert_refused(refused, 501)
    assert "DATABASE_URL" in refused.json()["detail"]
    assert developer.status_code == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"oidc_audience": ""}, "OIDC_AUDIENCE: .*together with OIDC_ISSUER"),
        ({"oidc_issuer": "http://login.school.example"}, "OIDC_ISSUER: .*loopback"),
        ({"oidc_issuer": "https://login.school.example/?x=1"}, "OIDC_ISSUER: "),
        ({"oidc_issuer": "login.school.example"}, "OIDC_ISSUER: "),
        ({"oidc_jwks_url": "http://login.school.example"}, "OIDC_JWKS_URL: "),
        ({"oidc_role_claim": "groups"}, "OIDC_ROLES: .*together"),
        ({"oidc_roles": "it:admin"}, "OIDC_ROLES: .*together"),
        ({"oidc_role_claim": "groups", "oidc_roles": "it"}, "OIDC_ROLES: .*pairs"),
        ({"oidc_clock_skew_seconds": 301}, "OIDC_CLOCK_SKEW_SECONDS: "),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], reason: str) -> None:
    good = {"oidc_issuer": "https://login.school.example", "oidc_audience": "veritas"}

    with pytest.raises(ConfigurationError, match=reason):
        Settings.load(**{**good, **changes})


def test_a_role_that_does_not_exist_is_refused_at_the_start(open_service: Open) -> None:
    with pytest.raises(ConfigurationError, match="the role dean, which does not exist"):
        open_service(oidc_role_claim="groups", oidc_roles="it:dean")
