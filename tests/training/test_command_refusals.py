"""Refusals of `veritas train` and `veritas predict` in one line."""

import pytest

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base
from shared_db.connection.database import Database
from shared_db.errors import NeedsPostgresql
from tests.support.oulad_fixtures.imported import Run
from tests.training.conftest import TRAIN


@pytest.mark.parametrize("day", ["240", "99999999"])
def test_a_day_beyond_the_course_is_refused(run_on_past: Run, day: str) -> None:
    result = run_on_past("predict", "--course", "CCC-2014B", "--day", day)

    assert result.exit_code == 1
    assert "The last day of CCC-2014B is 239" in result.output
    assert result.output.count("\n") == 1


def test_training_without_a_presentation_is_refused(run_on_past: Run) -> None:
    result = run_on_past("train", "--train", " , ")

    assert result.exit_code == 1
    assert "--train names no presentation" in result.output


def test_an_unknown_presentation_is_named(run_on_past: Run) -> None:
    result = run_on_past("train", "--train", "1999B")

    assert result.exit_code == 1
    assert "No course of 1999B is stored" in result.output


@pytest.mark.parametrize("command", [TRAIN, ("predict", "--all")])
def test_a_missing_database_is_refused(
    run_on_past: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("DATABASE_URL")

    result = run_on_past(*command)

    assert result.exit_code == 1
    assert f"veritas {command[0]}: There is no database" in result.output
    assert result.output.count("\n") == 1


def test_learning_in_memory_is_refused() -> None:
    database = Database.in_memory(Base.metadata)
    with pytest.raises(NeedsPostgresql, match="Learning from courses needs PostgreSQL"):
        DropoutDatabaseManager(database).training_sets.get_courses(["2013B"])
    database.close()
