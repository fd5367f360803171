"""`veritas train`, `evaluate` and `retrain` on terms of a school's own roster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from tests.support.databases import engine_on
from tests.support.past_terms import LEAVERS, PastSchool, fill_class
from tests.support.server import admin_url, create_database, drop_database, new_name
from tests.training.conftest import once

STUDENTS = 30


@pytest.fixture(scope="module")
def own_url(template_name: str) -> Iterator[str]:
    """Give a database with three classes in each of the terms autumn, spring and now."""
    name = new_name()
    url = create_database(admin_url(), name, template=template_name)
    school = PastSchool(Database.for_bind(engine_on(url)))
    students = [f"s{number:03}" for number in range(3 * STUDENTS)]
    school.add_students(*students)
    for term in ("autumn", "spring", "now"):
        for number in range(3):
            some = students[number * STUDENTS : (number + 1) * STUDENTS]
            fill_class(school, f"{term}-{number}", term, some if term == "autumn" else some[::-1])
    yield url
    drop_database(admin_url(), name)


def test_a_term_is_learned_from_and_the_next_one_judged(own_url: str, tmp_path: Path) -> None:
    result = once(own_url, tmp_path, "evaluate", "--resamples", "20")

    assert result.exit_code == 0, result.output
    assert "Trained on autumn, evaluated on spring, 20 resamples." in result.output
    assert "Data: 3 courses of this school's database." in result.output
    report = (tmp_path / "evaluation.md").read_text()
    of_day = [line.split(" | ") for line in report.splitlines() if line.startswith("| 28 | ")]
    within, pooled = of_day[:2]
    assert within[1] == "3"
    assert pooled[1:3] == [str(3 * STUDENTS), f"{LEAVERS / STUDENTS:.3f}"]
    assert float(within[2].split(" ")[0]) > 0.8
    assert "Left out: day 56, 84, 112" in report
    assert "**Classes of the roster** are among the courses." in report


def test_terms_and_classes_are_named(own_url: str, tmp_path: Path) -> None:
    names = ("--train", "autumn", "--test", "spring-0,spring-1")
    by_name = once(own_url, tmp_path, "evaluate", *names, "--resamples", "20")
    shared = once(own_url, tmp_path, "evaluate", "--train", "spring", "--test", "spring-0")
    running = once(own_url, tmp_path, "evaluate", "--train", "autumn", "--test", "now")
    few = once(own_url, tmp_path, "evaluate", "--train", "autumn", "--test", "spring-0")
    too_few = once(own_url, tmp_path, "train", "--train", "autumn-0")
    failed = once(own_url, tmp_path, "train", "--target", "withdrawn_or_fail")

    assert by_name.exit_code == 0, by_name.output
    assert "evaluated on spring-0, spring-1, 20 resamples" in by_name.output
    refusals = (
        (shared, "--train and --test have courses in common: spring-0."),
        (running, "now-0 runs until"),
        (few, "of spring-0 (1 finished course), 9 left and 21 stayed; 10 of either are needed"),
        (too_few, "at least 20 enrolments of either outcome are needed; 9 left and 21 stayed, in"),
        (failed, "autumn-0, autumn-1, autumn-2, spring-0 and 2 more: each is a class of"),
    )
    for result, reason in refusals:
        assert result.exit_code == 1
        assert reason in result.output


def test_classes_are_trained_on_by_default(own_url: str, tmp_path: Path) -> None:
    manager = DropoutDatabaseManager(Database.for_bind(engine_on(own_url)))
    first = once(own_url, tmp_path, "train", "--train", "autumn")
    assert first.exit_code == 0, first.output
    [learned] = manager.models.search()

    again = once(own_url, tmp_path, "retrain")
    same = once(own_url, tmp_path, "retrain")

    assert set(learned.training["courses"]) == {f"autumn-{number}" for number in range(3)}
    assert learned.training["enrolments"] == 3 * STUDENTS
    assert "ROC-AUC within courses" in first.output
    assert again.exit_code in (0, 3), again.output
    assert "Left out: now-0, now-1, now-2: each runs until" in again.output
    [new] = [model for model in manager.models.search() if model.id != learned.id]
    finished = {f"{term}-{number}" for term in ("autumn", "spring") for number in range(3)}
    assert set(new.training["courses"]) == finished
    assert same.exit_code == 4, same.output
