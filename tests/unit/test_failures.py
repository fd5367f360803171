"""Classification of failures to connect: a temporary outage, or a mistake in the settings."""

from contextlib import closing

import psycopg2
import pytest
from sqlalchemy.exc import DBAPIError

from shared_db.connection.database import Database
from shared_db.connection.engine import build_engine
from shared_db.connection.store import probe
from shared_db.errors import ConfigurationError, DatabaseUnavailable
from shared_db.resilience.error_classification import misconfiguration, to_service_error
from shared_db.settings import DatabaseSettings
from staffstuddash_service.models import Base

NO_NAME = 'could not translate host name "db.school" to address: '


def failing(text: str) -> DBAPIError:
    return DBAPIError(None, None, psycopg2.OperationalError(text))


@pytest.mark.parametrize(
    "text",
    [
        NO_NAME + "Temporary failure in name resolution\n",
        NO_NAME + "Try again\n",
        'connection to server at "127.0.0.1", port 1 failed: Connection refused\n',
        'connection to server at "10.0.0.1", port 5432 failed: timeout expired\n',
        "connection failed: FATAL:  the database system is starting up\n",
        "connection failed: FATAL:  sorry, too many clients already\n",
    ],
)
def test_a_temporary_failure_is_no_misconfiguration(text: str) -> None:
    assert misconfiguration(failing(text)) is None
    assert to_service_error(failing(text)) is not None


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (NO_NAME + "Name or service not known\n", "no such host"),
        ('failed: FATAL:  password authentication failed for user "a"\n', "user or password"),
        ('failed: FATAL:  database "scool" does not exist\n', 'database "scool" does not exist'),
    ],
)
def test_a_mistake_in_the_settings_is_named(text: str, meaning: str) -> None:
    assert meaning in (misconfiguration(failing(text)) or "")


def test_an_unknown_host_is_reported_at_the_start() -> None:
    # A name cannot have an empty part, so no resolver is asked.
    settings = DatabaseSettings.model_validate({"database_url": "postgresql://a:b@db..school/s"})
    database = Database.from_settings("test", Base.metadata, settings)

    with pytest.raises(ConfigurationError, match="there is no such host"):
        _ = database.store


# No label is as long, so no resolver is asked.
STOPPED = "postgresql://a:b@" + "x" * 70 + "/s"


def test_an_unknown_name_without_a_dot_is_an_outage_at_the_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = DatabaseSettings.model_validate({"database_url": STOPPED})
    with closing(Database.from_settings("test", Base.metadata, settings)) as database:
        breaker = database.store.breaker

        assert breaker is not None
        assert not breaker.is_up
    assert "no host is called xxx" in caplog.text
    assert "cannot be used" not in caplog.text


@pytest.mark.parametrize("url", [STOPPED, "postgresql://a:b@db..school/s"])
def test_a_name_that_disappears_while_a_service_runs_is_an_outage(url: str) -> None:
    engine = build_engine(DatabaseSettings.model_validate({"database_url": url}), "test")

    with pytest.raises(DatabaseUnavailable):
        probe(engine, "DATABASE_URL", [], 1)


class QuotingError(psycopg2.errors.UniqueViolation):
    """Refusal by the server with its code; its text quotes the client's data."""

    pgcode = "23505"


@pytest.mark.parametrize("quoted", ["too many connections", "database is locked"])
def test_quoted_data_does_not_change_the_class_of_a_refusal(quoted: str) -> None:
    refusal = DBAPIError(None, None, QuotingError(f"Key (id)=({quoted}) already exists."))

    assert to_service_error(refusal) is None
