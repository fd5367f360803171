"""Encrypted backups: only a key restores them, and a damaged one changes nothing."""

import signal
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pyrage
import pytest

from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.e2e.processes import VERITAS, wait_until, without_settings
from tests.support.databases import engine_on
from tests.support.dumps import bytes_of
from tests.support.oulad_fixtures.imported import Run
from veritas_cli.commands.backup import count_rows

NAME = "Xanthippe Marked"


class Keys:
    """Pair of keys of age, the secret one in a file."""

    def __init__(self, folder: Path, name: str) -> None:
        identity = pyrage.x25519.Identity.generate()
        self.recipient = str(identity.to_public())
        self.file = folder / f"{name}.txt"
        self.file.write_text(f"# public key: {self.recipient}\n{identity}\n")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Give the keys of the school."""
    return Keys(tmp_path, "school")


@pytest.fixture
def others(tmp_path: Path) -> Keys:
    """Give the keys of somebody else."""
    return Keys(tmp_path, "others")


@pytest.fixture
def filled_url(private_url: str) -> str:
    """Return the URL of a database with some students."""
    DatastoreManager(Database.for_bind(engine_on(private_url))).add_student("s1", NAME)
    return private_url


@pytest.fixture
def archive(filled_url: str, tmp_path: Path, keys: Keys, run: Run) -> Path:
    """Return an encrypted backup."""
    file = tmp_path / "school.veritas"
    done = run(filled_url, "backup", file, "--recipient", keys.recipient)
    assert done.exit_code == 0, done.output
    assert "encrypted for 1 keys" in done.output
    return file


def students(url: str) -> int | None:
    with engine_on(url).connect() as connection:
        return count_rows(connection).get("staffstuddash.students")


def test_a_key_restores_it(archive: Path, empty_url: str, keys: Keys, run: Run) -> None:
    restored = run(empty_url, "restore", archive, "--identity", keys.file)

    assert restored.exit_code == 0, restored.output
    datastore = DatastoreManager(Database.for_bind(engine_on(empty_url)))
    assert datastore.get_student("s1").name == NAME


def test_nothing_of_it_can_be_read(archive: Path) -> None:
    with ZipFile(archive) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}

    assert sorted(parts) == ["database.dump.age", "manifest.json", "manifest.json.age"]
    assert parts["manifest.json"] == b'{"format": 2}'
    for part in ("database.dump.age", "manifest.json.age"):
        assert parts[part].startswith(b"age-encryption.org/v1\n")
    assert b"PGDMP" not in archive.read_bytes()
    assert b"revisions" not in archive.read_bytes()


def test_it_is_refused_without_its_key(
    archive: Path, empty_url: str, keys: Keys, others: Keys, tmp_path: Path, run: Run
) -> None:
    no_key = tmp_path / "no-key.txt"
    no_key.write_text("AGE-SECRET-KEY-1SECRET\n")
    answers = {
        "--identity KEYFILE": run(empty_url, "restore", archive),
        "other keys": run(empty_url, "restore", archive, "--identity", others.file),
        "no key file": run(empty_url, "restore", archive, "--identity", no_key),
        "cannot be read": run(empty_url, "restore", archive, "--identity", tmp_path / "absent"),
    }

    for help_, answer in answers.items():
        assert answer.exit_code == 1
        assert help_ in answer.output
        assert len(answer.output.splitlines()) == 1
        assert "SECRET-KEY-1SECRET" not in answer.output
    assert students(empty_url) is None
    assert keys.file.read_text().splitlines()[1] not in "".join(a.output for a in answers.values())


@pytest.mark.parametrize("damage", ["cut off", "altered", "shortened"])
def test_a_damaged_one_is_refused_before_anything_is_changed(
    archive: Path, filled_url: str, keys: Keys, run: Run, damage: str
) -> None:
    with ZipFile(archive) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    dump = parts["database.dump.age"]
    if damage == "cut off":
        archive.write_bytes(archive.read_bytes()[:-200])
    else:
        # With a valid check sum of the zip, as somebody else could write it.
        altered = dump[:-1] + bytes([dump[-1] ^ 1])
        parts["database.dump.age"] = altered if damage == "altered" else dump[: len(dump) // 2]
        with ZipFile(archive, "w") as written:
            for name, content in parts.items():
                written.writestr(name, content)

    refused = run(filled_url, "restore", archive, "--replace", "--identity", keys.file)

    assert refused.exit_code == 1
    assert "cut off" in refused.output
    assert len(refused.output.splitlines()) == 1
    assert students(filled_url) == 1


def test_the_recipients_of_the_settings_are_the_default(
    filled_url: str,
    empty_url: str,
    tmp_path: Path,
    keys: Keys,
    others: Keys,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BACKUP_RECIPIENTS", f"{keys.recipient}, {others.recipient}")
    file = tmp_path / "of-settings.veritas"
    done = run(filled_url, "backup", file)

    assert "encrypted for 2 keys" in done.output
    assert run(empty_url, "restore", file, "--identity", others.file).exit_code == 0


@pytest.mark.parametrize("recipient", ["age1wrong", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1X"])
def test_a_wrong_recipient_writes_nothing(
    filled_url: str, tmp_path: Path, run: Run, recipient: str
) -> None:
    refused = run(filled_url, "backup", tmp_path / "b.veritas", "--recipient", recipient)

    assert refused.exit_code == 1
    assert "age1" in refused.output
    assert len(refused.output.splitlines()) == 1
    assert list(tmp_path.glob("b.veritas*")) == []


def test_a_key_for_an_open_backup_is_refused(
    filled_url: str, empty_url: str, tmp_path: Path, keys: Keys, run: Run
) -> None:
    file = tmp_path / "open.veritas"
    assert "not encrypted" in run(filled_url, "backup", file).output

    refused = run(empty_url, "restore", file, "--identity", keys.file)

    assert refused.exit_code == 1
    assert "not encrypted" in refused.output


def test_ctrl_c_leaves_no_part_on_the_disk(filled_url: str, tmp_path: Path, keys: Keys) -> None:
    """The dump has no end, so that the signal comes in the middle of it."""
    folder, programs = tmp_path / "backups", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    endless = programs / "pg_dump"
    # Of the server's version, so that it is preferred to the real one.
    with engine_on(filled_url).connect() as connection:
        server = connection.exec_driver_sql("SHOW server_version").scalar_one()
    version = f'echo "pg_dump (PostgreSQL) {server}"'
    endless.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then {version}; else exec yes "{NAME}"; fi\n'
    )
    endless.chmod(0o755)
    with subprocess.Popen(
        [*VERITAS, "backup", str(folder / "b.veritas"), "--recipient", keys.recipient],
        env=without_settings(
            DATABASE_URL=filled_url, TMPDIR=str(folder), POSTGRES_BIN=str(programs)
        ),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert wait_until(lambda: len(bytes_of(folder)) > 1_000_000)
        written = bytes_of(folder)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) != 0

    assert b"age-encryption.org/v1" in written
    assert NAME.encode() not in written
    assert list(folder.iterdir()) == []
