"""Script that uses the managers, with and without a database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT

SCRIPT = """
from staffstuddash_service.datastore import datastore

student = datastore.add_student("s001", "Name", "email")
assert student.id == "s001"
assert datastore.get_student("s001").name == "Name"
assessment = datastore.add_assessment("s001", "exam", "Math", 85)
assert datastore.get_performance_record("s001") is not None

from dropout_service.database import db_manager

db_manager.add_learning_event("evt001", "s001", "q123", "QUESTION_SUBMIT")
print(datastore.use_fallback, db_manager.use_fallback)
"""


# A busy machine must not look like an unreachable server.
PATIENT = {"DATABASE_ADDING_SECONDS": "60"}


def run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **PATIENT, **variables}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_memory_without_a_database(tmp_path: Path) -> None:
    result = run(tmp_path)

    assert (result.returncode, result.stdout.strip()) == (0, "True True"), result.stderr
    assert "DATABASE_URL is not set" in result.stderr


@pytest.mark.parametrize("place", ["environment", "dotenv"])
def test_on_postgresql_with_a_url(tmp_path: Path, private_url: str, place: str) -> None:
    variables = {"DATABASE_URL": private_url} if place == "environment" else {}
    if place == "dotenv":
        (tmp_path / ".env").write_text(f"DATABASE_URL={private_url}\n")

    result = run(tmp_path, **variables)

    assert (result.returncode, result.stdout.strip()) == (0, "False False"), result.stderr
    assert result.stderr == ""
