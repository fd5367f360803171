"""Rows of persons with an owner without superuser rights and a login for each service."""

from pathlib import Path

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.row_limits import RowLimit, rows_limited_to
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager
from tests.support.databases import PERSON_SCHEMAS, engine_on
from tests.support.logins import a_login, give_database, new_role_prefix
from tests.support.oulad_fixtures.imported import Run
from tests.support.rosters import an_advising, fill, outcomes
from tests.support.services import PARTS
from veritas_cli.migrations import SERVICES

NO_BYPASS = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")


def manager_of(service: str, url: str) -> DatastoreManager:
    """Return the manager of a service as it runs: its role is taken if the login may."""
    parts = PARTS[service]
    database = Database.from_settings(
        service,
        parts.metadata,
        parts.settings(database_url=url),
        person_schemas=PERSON_SCHEMAS[service],
    )
    manager: DatastoreManager = parts.manager(database)
    return manager


def seen(manager: DatastoreManager, person: str) -> list[str]:
    """Return the students of a person."""
    with rows_limited_to(RowLimit(person)):
        return [student.id for student in manager.students.search().items]


def test_rows_are_limited_before_and_after_a_restore(
    empty_url: str, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_ROLE_PREFIX", new_role_prefix())
    owner = give_database(empty_url, a_login(can_create_roles=True))
    monkeypatch.setenv("DATABASE_ADMIN_URL", owner)
    urls = {history.schema: a_login().url_of(empty_url) for history in SERVICES}
    for schema, url in urls.items():
        monkeypatch.setenv(f"{schema.upper()}_DATABASE_URL", url)
    migrated = run("", "migrate")
    assert migrated.exit_code == 0, migrated.output
    with engine_on(owner).connect() as connection:
        assert connection.scalar(NO_BYPASS) is False

    managers = {schema: manager_of(schema, url) for schema, url in urls.items()}
    datastore = managers["staffstuddash"]
    fill(datastore)
    outcomes(datastore, an_advising())
    # Ten rows go by COPY, which PostgreSQL refuses to roles under row security.
    marks = [AssessmentToStore(f"s00{1 + n % 3}", "quiz", "Math", 50) for n in range(10)]
    assert all(result.is_stored for result in datastore.assessments.add_many(marks))
    managers["dropout"].assessments.add("s001", "quiz", "Art", 5, max_score=10)
    for manager in managers.values():
        manager.database.require_row_limits()
    assert seen(datastore, "t1") == ["s001"]
    assert seen(managers["dropout"], "t1") == ["s001"]
    assert seen(managers["dropout"], "t2") == []

    file = tmp_path / "school.veritas"
    for command in (("backup", file), ("restore", file, "--replace"), ("check",)):
        done = run("", *command)
        assert done.exit_code == 0, done.output
    assert done.output.count("limits persons to their students") == 2
    assert seen(datastore, "t1") == ["s001"]
    assert datastore.students.search().items[2].id == "s003"
    for manager in managers.values():
        manager.database.close()
