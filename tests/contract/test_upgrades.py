"""Upgrade of a filled database of an earlier release, with its rows."""

import itertools

import pytest
from sqlalchemy import Connection, Engine, text

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from shared_db.ids import new_id
from shared_db.provisioning.migrations import History, require_migrated
from shared_web.auth.keys import KeyManager, Scope
from tests.support.databases import engine_on, run_script
from tests.support.grades import HISTORY as GRADES
from veritas_cli.commands.check import TRIALS
from veritas_cli.migrations import HISTORIES

TABLES = text(
    "SELECT tablename FROM pg_tables WHERE schemaname = :schema AND tablename <> 'alembic_version'"
)


def counts(connection: Connection, schema: str) -> dict[str, int]:
    return {
        table: connection.scalar(text(f"SELECT count(*) FROM {schema}.{table}")) or 0
        for table in connection.scalars(TABLES, {"schema": schema})
    }


def fill(engine: Engine) -> None:
    for trial in TRIALS.values():
        trial(Database.for_bind(engine))
    KeyManager(Database.for_bind(engine)).add_key(new_id(), [Scope.READ])


def back_and_forth(
    engine: Engine, history: History, revision: str, *, back_to: str | None = None
) -> None:
    """Downgrade to a revision, and upgrade from there; no table loses rows on the way up."""
    history.downgrade(engine, revision)
    with engine.connect() as connection:
        before = counts(connection, history.schema)
    history.upgrade(engine, back_to or "head")
    with engine.connect() as connection:
        after = counts(connection, history.schema)

    assert sum(before.values()) > 0
    # A migration may add rows that it derives from existing ones.
    assert {table for table in before if after.get(table, before[table]) < before[table]} == set()


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.schema)
def test_a_filled_database_is_upgraded_from_every_revision(
    private_url: str, history: History
) -> None:
    engine = engine_on(private_url)
    fill(engine)

    # Down the whole way with the rows, and at each step once up and down again.
    revisions = history.revisions()
    for revision, following in reversed(list(itertools.pairwise(revisions))):
        back_and_forth(engine, history, revision, back_to=following)
        history.downgrade(engine, revision)
    back_and_forth(engine, history, revisions[0])

    require_migrated(Database.for_bind(engine), history)
    fill(engine)


def test_rows_of_the_first_revision_are_kept_in_the_last(empty_url: str) -> None:
    engine = engine_on(empty_url)
    GRADES.upgrade(engine, GRADES.revisions()[0])
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO grades.grades SELECT generate_series(1, 1000)"))

    GRADES.upgrade(engine)

    with engine.connect() as connection:
        found = connection.execute(text("SELECT sum(mark), sum(weight) FROM grades.grades")).one()
    assert tuple(found) == (500500, 1000)
    back_and_forth(engine, GRADES, GRADES.revisions()[0])


def test_the_printed_sql_is_equivalent_to_migrating(empty_url: str) -> None:
    engine = engine_on(empty_url)
    GRADES.upgrade(engine, GRADES.revisions()[0])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        script = GRADES.sql(GRADES.current(connection))
        run_script(connection, script)
        connection.execute(text("SELECT weight FROM grades.grades"))
        revision = GRADES.current(connection)

    assert revision == GRADES.head()
    assert "lock_timeout" in script


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.schema)
def test_the_sql_of_each_history_creates_its_tables(empty_url: str, history: History) -> None:
    needed = HISTORIES[: HISTORIES.index(history)]
    engine = engine_on(empty_url)
    for earlier in needed:
        earlier.upgrade(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        run_script(connection, history.sql(None))

    require_migrated(Database.for_bind(engine), history)


def test_existing_predictions_get_no_pending_rows(private_url: str) -> None:
    [dropout] = [history for history in HISTORIES if history.schema == "dropout"]
    engine = engine_on(private_url)
    manager = DropoutDatabaseManager(Database.for_bind(engine))
    # Of those that are given it is not known.
    manager.predictions.add("p1", "ada", "SILENT", 0.9)
    manager.features.add("f1", "ada", {})
    columns = "SELECT pending_rows, recomputed_at FROM dropout"
    query = text(f"{columns}.dropout_predictions UNION ALL {columns}.feature_sets")

    back_and_forth(engine, dropout, "20261123_obsolete")

    with engine.begin() as connection:
        found = [tuple(row) for row in connection.execute(query)]
    assert found == [(0, None)] * 2
