"""`veritas students merge`: the account of all services, a dry run, and refusals."""

import pytest

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on
from tests.support.dumps import dump
from tests.support.factories import NOON
from tests.support.oulad_fixtures.imported import Run
from tests.support.waiting_rows import events


@pytest.fixture
def database(private_url: str) -> Database:
    """Give a database with rows of one student under two ids."""
    database = Database.for_bind(engine_on(private_url))
    datastore, dropout = DatastoreManager(database), DropoutDatabaseManager(database)
    for id_ in ("old", "new"):
        datastore.add_student(id_, f"Name of {id_}")
        datastore.add_assessment(id_, "quiz", "Math", 50, timestamp=NOON)
        dropout.events.add_many(events(id_, 1, 2, 3))
    return database


def account(output: str) -> dict[str, str]:
    lines = [line.split(maxsplit=1) for line in output.splitlines()]
    return {line[0]: line[1] for line in lines}


def test_prints_the_account_and_moves_the_rows_of_both_services(
    private_url: str, database: Database, run: Run
) -> None:
    before = dump(database)
    planned = run(private_url, "students", "merge", "old", "new", "--dry-run")
    after_dry_run = dump(database)
    merged = run(private_url, "students", "merge", "old", "new")
    after = dump(database)
    again = run(private_url, "students", "merge", "old", "new")

    assert (planned.exit_code, merged.exit_code, again.exit_code) == (0, 0, 0)
    lines = account(merged.output)
    assert lines["staffstuddash.students"] == "1 moved, 1 of both ids"
    assert lines["staffstuddash.assessment_logs"] == "1 moved"
    assert lines["staffstuddash.performance_records"] == "1 of both ids, 1 recomputed"
    assert lines["dropout.learning_events"] == "3 moved"
    assert lines["dropout.daily_activity"] == "3 of both ids, 3 recomputed"
    assert lines["monitoring"] == "holds nothing of students"
    assert merged.output.endswith("The student has the id new.\n")
    assert planned.output.splitlines()[:-1] == merged.output.splitlines()[:-1]
    assert planned.output.endswith("Nothing was changed.\n")
    assert after_dry_run == before
    assert dump(database) == after
    assert [line.split()[1:3] for line in again.output.splitlines()[:2]] == [["was", "merged"]] * 2
    datastore, dropout = DatastoreManager(database), DropoutDatabaseManager(database)
    assert datastore.get_performance_record("new").assessment_count == 2
    assert len(dropout.events.search("new").items) == 6
    assert datastore.actions.search().items[0].actor == "veritas students merge"


def test_a_merge_that_was_killed_after_staffstuddash_is_finished(
    private_url: str, database: Database, run: Run
) -> None:
    DatastoreManager(database).merging.merge("old", "new")

    finished = run(private_url, "students", "merge", "old", "new")

    assert finished.exit_code == 0
    assert account(finished.output)["dropout.learning_events"] == "3 moved"
    assert len(DropoutDatabaseManager(database).events.search("new").items) == 6


def test_a_student_of_dropout_alone_is_merged(
    private_url: str, database: Database, run: Run
) -> None:
    dropout = DropoutDatabaseManager(database)
    dropout.events.add_many(events("lms-7", 5))

    merged = run(private_url, "students", "merge", "lms-7", "new")
    again = run(private_url, "students", "merge", "lms-7", "new")

    assert (merged.exit_code, again.exit_code) == (0, 0)
    assert account(merged.output)["staffstuddash"] == "holds nothing of the former id"
    assert len(dropout.events.search("new").items) == 4


def test_an_id_in_another_unicode_form_is_merged(
    private_url: str, database: Database, run: Run
) -> None:
    datastore = DatastoreManager(database)
    datastore.add_student("zoe\u0308", "Zoe")
    datastore.add_assessment("zoe\u0308", "quiz", "Math", 50)

    merged = run(private_url, "students", "merge", "zoe\u0308", "zo\u00eb")

    assert merged.exit_code == 0
    assert datastore.get_performance_record("zo\u00eb").assessment_count == 1


@pytest.mark.parametrize(
    ("ids", "line"),
    [
        (("nobody", "new"), "No student has the id nobody."),
        (("old", "old"), "The ids lead to one student, old."),
        (("a/b", "new"), "This cannot be a student's id"),
        (("old", "batch"), "This cannot be a student's id"),
    ],
)
def test_refuses_impossible_merges(
    private_url: str, database: Database, run: Run, ids: tuple[str, str], line: str
) -> None:
    before = dump(database)

    refused = run(private_url, "students", "merge", *ids)

    assert refused.exit_code == 1
    assert refused.output.startswith(f"veritas students merge: {line}")
    assert dump(database) == before


def test_an_erasure_by_the_old_id_removes_everything(
    private_url: str, database: Database, run: Run
) -> None:
    DatastoreManager(database).merging.merge("old", "new")  # dropout has not followed yet

    erased = run(private_url, "erase", "old", "--yes")

    assert erased.exit_code == 0
    found = dump(database)
    assert "Name of" not in found
    assert DropoutDatabaseManager(database).students.search().items == []
