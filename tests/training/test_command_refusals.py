"""Refusals of `veritas train` and `veritas predict` in one line."""

from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.course_calendar import CourseDates
from dropout_service.domain.enrolments.finished_courses import StoredCourse, courses_by_state
from dropout_service.models import Base
from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError, NeedsPostgresql
from tests.support.oulad_fixtures.imported import Run
from tests.support.oulad_fixtures.learned import quietly, rows
from tests.training.conftest import TRAIN
from veritas_cli.evaluation.data import latest_and_others, require_outcomes, trained_on
from veritas_cli.main import app


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


@pytest.mark.parametrize("command", ["train", "retrain", "evaluate"])
def test_a_database_without_courses_is_refused(
    private_url: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", private_url)

    result = CliRunner().invoke(app, [command])

    assert result.exit_code == 1
    assert (
        "No course is finished. No course and no class is stored; import some first."
        in result.output
    )


def test_one_presentation_is_too_few_to_judge_and_a_small_one_to_learn_from() -> None:
    course = StoredCourse("art-2025", "2025", CourseDates(date(2025, 1, 1), 90), 40, 40)
    few = rows().where(rows().labels == 0)

    with pytest.raises(ConfigurationError, match="there is 2025 alone"):
        latest_and_others(courses_by_state([course], datetime(2026, 1, 1, tzinfo=UTC)))
    with pytest.raises(ConfigurationError, match="; 0 left and "):
        trained_on(few, quietly)
    with pytest.raises(
        ConfigurationError, match=r"of 2025 \(3 finished courses\), 0 left and .* 10 of either"
    ):
        require_outcomes(few, "2025")


def test_an_unknown_presentation_is_named(run_on_past: Run) -> None:
    result = run_on_past("train", "--train", "1999B")

    assert result.exit_code == 1
    assert "No course, class or term is called 1999B" in result.output


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
