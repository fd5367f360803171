"""Persons while PostgreSQL is away: those found before are admitted, others are not."""

from pathlib import Path

from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.persons.conftest import bearer
from tests.support.databases import engine_on
from tests.support.issuer import Issuer
from tests.support.outage import server_to_lose, spooling
from tests.support.service_cases import assert_refused

STUDENTS = "/api/v1/students"


def test_known_persons_are_admitted_while_the_database_is_away(
    shared_issuer: Issuer, tmp_path: Path
) -> None:
    """Writes of marks need a role that sees all, so that nothing but the outage decides."""
    settings = shared_issuer.settings(oidc_role_claim="groups", oidc_roles="it:admin")
    known, other = (
        bearer(shared_issuer.token(groups="it", email=f"{name}@school.example"))
        for name in ("known", "other")
    )
    with server_to_lose() as (server, key):
        DatastoreManager(Database.for_bind(engine_on(server.url))).students.add("s1", "Ada", None)
        with spooling(server.url, key, tmp_path, **settings) as client:
            assert client.get(f"{STUDENTS}/s1", headers=known).status_code == 200
            server.stop()
            try:
                new = client.post(STUDENTS, json={"id": "s2", "name": "Bob"}, headers=known)
                refused = client.post(STUDENTS, json={"id": "s3", "name": "Eve"}, headers=other)
            finally:
                server.start()

    assert new.status_code == 201
    assert new.headers["Veritas-Storage"] == "spool"
    assert_refused(refused, 503)
    assert refused.json()["type"] == "urn:veritas:problem:database-unavailable"
