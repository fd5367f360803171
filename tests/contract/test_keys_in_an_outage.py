"""Limits of keys, and revocations on this machine, while a real PostgreSQL is stopped."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from typer.testing import CliRunner

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager
from shared_web.auth.validity.key_limits import network
from shared_web.principals import KeyLimits, Scope
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on
from tests.support.factories import a_student, days
from tests.support.outage import server_to_lose, settled, spool_in, spooling
from veritas_cli.main import app

INSIDE, OUTSIDE = "10.20.30.40", "192.0.2.9"


def post(client: TestClient, key: str, id_: str) -> Response:
    headers = {"Authorization": f"Bearer {key}"}
    return client.post("/api/v1/students", json=a_student(id=id_, email=None), headers=headers)


def test_limits_and_revocations_hold_in_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOOL_PATH", str(tmp_path))
    with server_to_lose() as (server, admin):
        keys = KeyManager(Database.for_bind(engine_on(server.url)))
        limits = KeyLimits(utc_now() + days(300), (network("10.0.0.0/8"),))
        limited, stolen, old = (
            keys.add_key(name, [Scope.WRITE], limits) for name in ("limited", "stolen key", "old")
        )
        with spooling(server.url, admin, tmp_path) as client:
            inside, outside = (
                TestClient(client.app, client=(address, 50000)) for address in (INSIDE, OUTSIDE)
            )
            for key in (limited, stolen, old):
                assert post(inside, key, key[-8:]).status_code == 201
            server.stop()
            with closing(sqlite3.connect(spool_in(tmp_path).path)) as file, file:
                past = ("2026-01-01T00:00:00+00:00",)
                file.execute("UPDATE verified_keys SET expires_at = ? WHERE name = 'old'", past)

            assert post(inside, limited, "s1").status_code == 201
            assert post(outside, limited, "s2").status_code == 403
            assert "expired" in post(inside, old, "s3").json()["detail"]
            assert post(inside, stolen, "s4").status_code == 201

            monkeypatch.setenv("DATABASE_URL", server.url)
            revoked = CliRunner().invoke(app, ["keys", "revoke", "stolen key", "--offline"])
            assert revoked.exit_code == 0, revoked.output
            assert "veritas keys revoke 'stolen key'" in revoked.output
            assert wait_until(lambda: post(inside, stolen, "s5").status_code == 401)
            assert post(inside, limited, "s6").status_code == 201

            server.start()
            assert settled(client)
            assert post(inside, stolen, "s7").status_code == 401
            assert keys.find(stolen) is not None
            completed = CliRunner().invoke(app, ["keys", "revoke", "stolen key"])
            assert completed.exit_code == 0, completed.output
            assert keys.find(stolen) is None
            found = {id_ for id_ in ("s1", "s2", "s3", "s4", "s6", "s7") if is_there(client, id_)}

    assert found == {"s1", "s4", "s6"}


def is_there(client: TestClient, id_: str) -> bool:
    return client.get(f"/api/v1/students/{id_}").status_code == 200
