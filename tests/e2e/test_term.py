"""`veritas term close` on a database."""

from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.roster import Term, TermType
from tests.support.databases import engine_on
from tests.support.dumps import dump
from tests.support.oulad_fixtures.imported import Run
from tests.support.rosters import a_class, a_teaching, an_enrolment, fill, outcomes, today


def manager_on(url: str) -> DatastoreManager:
    """Return the manager of a school with a past term, a class in it and an enrolment."""
    manager = DatastoreManager(Database.for_bind(engine_on(url)))
    fill(manager)
    outcomes(manager, Term("past", "Past", TermType.TERM, today(-90), today(-2)))
    outcomes(manager, a_class("old", term_ids=("past",)))
    outcomes(manager, an_enrolment(class_id="old"))
    outcomes(manager, a_teaching(class_id="old"))
    return manager


def test_a_dry_run_prints_the_account_and_changes_nothing(private_url: str, run: Run) -> None:
    manager = manager_on(private_url)
    before = dump(manager.database)

    dry = run(private_url, "term", "close", "past", "--dry-run")
    assert dump(manager.database) == before
    done = run(private_url, "term", "close", "past")
    again = run(private_url, "term", "close", "past")

    assert (dry.exit_code, done.exit_code, again.exit_code) == (0, 0, 0)
    assert dry.output.splitlines()[0].endswith("would be closed. Nothing was changed.")
    assert dry.output.splitlines()[1:] == done.output.splitlines()[1:]
    assert [line.split()[0] for line in done.output.splitlines()[1:]] == ["1", "0", "1", "1", "1"]
    assert f"was closed on {today()}. Nothing was changed." in again.output


def test_refusals_are_one_line(private_url: str, run: Run) -> None:
    manager_on(private_url)
    refused = [
        run(private_url, "term", "close", "nowhere"),
        run(private_url, "term", "close", "2026"),
        run(private_url, "term", "close", "a/b"),
    ]

    assert [result.exit_code for result in refused] == [1, 1, 1]
    assert [result.output.count("\n") for result in refused] == [1, 1, 1]
    assert "No term has the id nowhere" in refused[0].output
    assert "earlier `ends_on`" in refused[1].output
    assert "This cannot be a term's id" in refused[2].output


def test_an_older_database_is_to_be_migrated_first(empty_url: str, run: Run) -> None:
    result = run(empty_url, "term", "close", "past")

    assert result.exit_code == 1
    assert "veritas migrate" in result.output
