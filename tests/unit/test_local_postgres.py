"""Local PostgreSQL before its start: programs, accounts, passwords, files."""

import os
import stat
from pathlib import Path

import pytest

from shared_db.provisioning.scram import scram_verifier
from veritas_cli.postgres.binaries import LocalPostgresError, Programs, find_programs
from veritas_cli.postgres.data_directory import PostgresFolder, environment
from veritas_cli.postgres.os_account import account_for, nearest_existing


@pytest.fixture
def folder(tmp_path: Path) -> PostgresFolder:
    return PostgresFolder(tmp_path, account=None)


def installation(folder: Path, version: str) -> Path:
    """Create stand-ins for the programs of that version."""
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "postgres (PostgreSQL) {version}"\n')
        program.chmod(0o755)
    return folder


class TestPrograms:
    @pytest.mark.parametrize(
        ("version", "major"), [("15.18", 15), ("18beta1", 18), ("19devel", 19)]
    )
    def test_have_a_major_version(self, version: str, major: int) -> None:
        assert Programs(Path("/anywhere"), version).major == major

    def test_are_those_of_the_setting(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        named = installation(tmp_path / "bin", "17.2 (Debian 17.2-1)")
        monkeypatch.setenv("POSTGRES_BIN", str(named))
        assert find_programs(15) == Programs(named, "17.2")

    def test_must_be_in_the_folder_of_the_setting(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("POSTGRES_BIN", str(tmp_path))
        with pytest.raises(LocalPostgresError, match="no working initdb and postgres"):
            find_programs()

    def test_must_not_be_too_old(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POSTGRES_BIN", str(installation(tmp_path / "bin", "14.9")))
        with pytest.raises(LocalPostgresError, match=r"holds PostgreSQL 14\.9; .* 15 or newer"):
            find_programs()

    def test_on_the_path_come_first_except_for_another_version(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_path = installation(tmp_path / "bin", "99.1")
        monkeypatch.delenv("POSTGRES_BIN", raising=False)
        monkeypatch.setenv("PATH", str(on_path), prepend=os.pathsep)
        assert find_programs() == Programs(on_path, "99.1")
        assert find_programs(99) == Programs(on_path, "99.1")
        assert find_programs(18).major == 18  # the wheel's, which the tests always have

    def test_on_the_path_are_skipped_if_too_old(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_path = installation(tmp_path / "bin", "9.6.24")
        monkeypatch.delenv("POSTGRES_BIN", raising=False)
        monkeypatch.setenv("PATH", str(on_path), prepend=os.pathsep)
        assert find_programs().major >= 15


class TestAccount:
    def test_is_never_root(self) -> None:
        account = account_for(Path("/"))
        if os.geteuid() == 0:
            assert account is not None
            assert account.uid != 0
        else:
            assert account is None

    def test_nearest_existing_folder_may_be_the_path_itself(self, tmp_path: Path) -> None:
        assert nearest_existing(tmp_path) == tmp_path
        assert nearest_existing(tmp_path / "not" / "there") == tmp_path


class TestFolder:
    def test_creates_one_password_readable_by_its_owner_only(self, folder: PostgresFolder) -> None:
        password = folder.password()
        assert len(password) >= 43
        assert folder.password() == password
        assert stat.S_IMODE((folder.path / "password").stat().st_mode) == 0o600

    def test_follows_no_link_when_it_writes(self, folder: PostgresFolder, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.write_text("precious")
        folder.log.symlink_to(target)
        with pytest.raises(OSError, match="symbolic link"):
            folder.open_log()
        assert target.read_text() == "precious"

    @pytest.mark.parametrize(
        ("log", "expected"),
        [
            ("", "(its log is empty)"),
            ("LOG:  one\nLOG:  two\n", "LOG:  two"),
            ("LOG:  one\nFATAL:  no memory\nLOG:  shut down\n", "FATAL:  no memory"),
            ("FATAL:  the database system is starting up\nLOG:  gone\n", "LOG:  gone"),
        ],
    )
    def test_the_failure_line_has_the_reason(
        self, folder: PostgresFolder, log: str, expected: str
    ) -> None:
        folder.log.write_text(log)
        assert folder.failure_line() == expected

    def test_without_data_there_is_no_version(self, folder: PostgresFolder) -> None:
        assert folder.major_version() is None

    @pytest.mark.parametrize("content", ["", "not a number", "1\n", "{ours}\n/data\n0\n"])
    def test_another_process_is_not_the_server(self, folder: PostgresFolder, content: str) -> None:
        folder.data.mkdir()
        (folder.data / "postmaster.pid").write_text(content.format(ours=os.getpid()))
        assert folder.server_process() is None
        assert folder.server_port() is None


def test_the_password_is_stored_salted_according_to_rfc_5803() -> None:
    one, other = scram_verifier("secret"), scram_verifier("secret")
    assert one.startswith("SCRAM-SHA-256$1:")
    assert one != other
    assert "secret" not in one


def test_programs_do_not_get_the_callers_client_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    assert {"PGPORT", "DATABASE_URL"}.isdisjoint(environment())
