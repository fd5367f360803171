"""DEBUG=true logs the statements, and never their parameters."""

import logging

import pytest

from shared_db.connection.database import Database
from shared_db.settings import DatabaseSettings
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base


def test_statements_are_logged_without_their_parameters(
    private_url: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, "sqlalchemy.engine")
    settings = DatabaseSettings.load(database_url=private_url, debug=True)
    datastore = DatastoreManager(Database.from_settings("staffstuddash", Base.metadata, settings))

    datastore.add_student("s001", "Xanthippe", "xanthippe@school.example")

    logged = caplog.text + capsys.readouterr().out
    assert "INSERT INTO staffstuddash.students" in logged
    assert "hidden" in logged
    assert "anthippe" not in logged


def test_the_server_sees_the_name_of_each_service(private_url: str) -> None:
    settings = DatabaseSettings.load(database_url=private_url)
    database = Database.from_settings("staffstuddash", Base.metadata, settings)

    with database.reading() as session:
        name = session.connection().exec_driver_sql("SHOW application_name").scalar()

    assert name == "staffstuddash"
