"""deploy/backup.sh: its calls of Compose and its deletions, with a stand-in for Docker."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.source_files import ROOT

DAY_SECONDS = 86400


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a folder with the script, an old and a young backup, and a `docker` that notes its call.

    With BROKEN it fails.
    """
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/backup.sh", tmp_path / "deploy")
    (tmp_path / "backups").mkdir()
    ages = {"veritas-old.veritas": 40, "veritas-young.veritas": 2, "mine": 40}
    for name, days in {**ages, "veritas-killed.veritas.x1.partial": 40}.items():
        path = tmp_path / "backups" / name
        path.touch()
        os.utime(path, (time.time() - days * DAY_SECONDS,) * 2)
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\necho "$@" > called\nexit ${BROKEN:-0}\n')
    docker.chmod(0o755)
    return tmp_path


def run(checkout: Path, **environment: str) -> int:
    script = checkout / "deploy/backup.sh"
    environment["PATH"] = f"{checkout}:{os.environ['PATH']}"
    return subprocess.run([script], check=False, cwd="/", env=environment).returncode


def left(checkout: Path) -> set[str]:
    return {path.name for path in (checkout / "backups").iterdir()}


def test_the_file_is_the_callers_and_in_the_folder_of_the_checkout(checkout: Path) -> None:
    assert run(checkout) == 0

    called = (checkout / "called").read_text()
    assert called.startswith("compose -f docker-compose.production.yml run --rm ")
    assert f"--user {os.getuid()}:{os.getgid()} " in called
    assert (
        f"--volume {checkout}/backups:/backups migrate veritas backup /backups/veritas-" in called
    )
    assert len(left(checkout)) == 4


def test_old_ones_go_after_a_good_one_only(checkout: Path) -> None:
    assert run(checkout, KEEP_DAYS="30", BROKEN="1") != 0
    after_failure = left(checkout)
    assert run(checkout, KEEP_DAYS="30") == 0

    assert len(after_failure) == 4
    assert left(checkout) == {"veritas-young.veritas", "mine"}
