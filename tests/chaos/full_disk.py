"""Full disk of the server: writes are spooled. `make chaos` runs it; it needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from tests.chaos.processes import DURABLE
from tests.support.databases import engine_on
from tests.support.factories import a_draft, a_student
from tests.support.outage import settled, spooling
from tests.support.server import role_prefix
from veritas_cli.migrations import migrate_all
from veritas_cli.postgres.server import LocalPostgres, temporary_postgres
from veritas_cli.processes.ports import free_port

MIB = 1024 * 1024
STUDENT = "/api/v1/students/full"


def can_mount(folder: Path) -> bool:
    folder.mkdir()
    if os.geteuid() != 0 or _ran("mount", "-t", "tmpfs", "tmpfs", str(folder)):
        return False
    _ran("umount", str(folder))
    return True


def _ran(*command: str) -> int:
    return subprocess.run(command, check=False, capture_output=True).returncode


@contextmanager
def on_a_small_disk(server: LocalPostgres, mebibytes: int) -> Iterator[None]:
    """Move the stopped server's data to a file system of that size."""
    data, copy = server.folder.data, server.folder.path / "copy"
    owner = data.stat()
    assert _ran("cp", "-a", str(data), str(copy)) == 0
    options = f"size={mebibytes}m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    assert _ran("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(data)) == 0
    try:
        assert _ran("cp", "-a", f"{copy}/.", str(data)) == 0
        yield
    finally:
        server.stop()
        _ran("umount", str(data))


def fill(folder: Path) -> Path:
    """Leave no room in the file system of the folder."""
    ballast = folder / "ballast"
    room = os.statvfs(folder)
    with ballast.open("wb") as file:
        for _ in range(room.f_bavail * room.f_frsize // MIB):
            file.write(b"x" * MIB)
    return ballast


def add_drafts_until_one_waits(client: TestClient) -> list[str]:
    added = []
    for number in range(2_000):
        # Random texts, so that PostgreSQL cannot compress them.
        body = a_draft(id=f"d{number}", content=os.urandom(45_000).hex())
        answer = client.post(f"{STUDENT}/drafts", json=body)
        assert answer.status_code == 201, answer.text
        added.append(body["id"])
        if answer.headers.get("Veritas-Storage") == "spool":
            return added
    raise AssertionError("the disk did not become full")


def test_a_full_disk_is_an_outage_for_writes_alone(tmp_path: Path) -> None:
    if not can_mount(tmp_path / "try"):
        pytest.skip("needs root and the right to mount")
    with temporary_postgres(DURABLE, port=free_port()) as server:
        migrate_all(engine_on(server.url), role_prefix=role_prefix())
        key = KeyManager(Database.for_bind(engine_on(server.url))).add_key("test", [Scope.ADMIN])
        server.stop()
        with on_a_small_disk(server, 200):
            server.start()
            with spooling(server.url, key, tmp_path / "spool") as client:
                client.post("/api/v1/students", json=a_student(id="full"))
                ballast = fill(server.folder.data)
                added = add_drafts_until_one_waits(client)
                meanwhile = client.get(STUDENT)
                ballast.unlink()
                if server.exit_status is not None:  # it stops if there is no room for its log
                    server.start()
                assert settled(client)
                listed = client.get(f"{STUDENT}/drafts", params={"limit": 100}).json()["items"]

    assert meanwhile.status_code in (200, 503)
    assert {draft["id"] for draft in listed} == set(added)
