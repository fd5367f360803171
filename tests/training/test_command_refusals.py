"""What `veritas train` and `veritas predict` refuse, in one line."""

import pytest

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base
from shared_db.connection.database import Database
from shared_db.errors import NeedsPostgresql
from tests.support.oulad_fixtures.imported import Run
from tests.training.conftest import TRAIN


@pytest.mark.parametrize("day", ["240", "99999999"])
def test_a_day_beyond_the_course_is_refused(run: Run, day: str) -> None:
    result = run("predict", "--course", "CCC-2014B", "--day", day)

    assert result.exit_code == 1
    assert "The last day of CCC-2014B is 239" in result.output
    assert result.output.count("\n") == 1


def test_to_train_on_nothing_is_refused(run: Run) -> None:
    result = run("train", "--train", " , ")

    assert result.exit_code == 1
    assert "--train names no presentation" in result.output


def test_a_presentation_that_is_not_there_is_named(run: Run) -> None:
    result = run("train", "--train", "1999B")

    assert result.exit_code == 1
    assert "No course of 1999B is stored" in result.output


@pytest.mark.parametrize("command", [TRAIN, ("predict", "--all")])
def test_without_a_database_there_is_nothing_to_learn_from(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("DATABASE_URL")

    result = run(*command)

    assert result.exit_code == 1
    assert f"veritas {command[0]}: There is no database" in result.output
    assert result.output.count("\n") == 1


def test_the_in_memory_store_has_nothing_to_learn_from() -> None:
    database = Database.in_memory(Base.metadata)
    with pytest.raises(NeedsPostgresql, match="Learning from courses needs PostgreSQL"):
        DropoutDatabaseManager(database).get_courses_presented(["2013B"])
    database.close()
