"""`veritas check`: test of the database with all three services."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import typer
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.model_quality.health_check import bad_week_text
from monitoring_service.database import MonitoringDatabase
from shared_db.connection.database import Database
from shared_db.connection.engine import is_local
from shared_db.connection.roles import may_take, role_name, seen_schema
from shared_db.errors import ConfigurationError, QueryTooExpensive, ServiceError
from shared_db.ids import new_id
from shared_db.provisioning.grants import can_create_roles
from shared_db.provisioning.migrations import require_migrated
from shared_db.settings import DatabaseSettings
from shared_web.settings import ServiceSettings
from staffstuddash_service.datastore import DatastoreManager
from veritas_cli.database import command_settings, connected_engine
from veritas_cli.id_forms import other_forms
from veritas_cli.migrations import HISTORIES, person_roles
from veritas_cli.services import SETTINGS

OLDEST, NEWEST = 15, 18
# For each table, as ids of ten million rows are read in some seconds.
_IDS_SECONDS = 60

_FREE_CONNECTIONS = text(
    "SELECT current_setting('max_connections')::int"
    " - current_setting('superuser_reserved_connections')::int"
)


@dataclass(frozen=True)
class Finding:
    """Result of one test."""

    text: str
    is_good: bool = True
    is_note: bool = False


def check() -> None:
    """Verify connection, server, TLS, migrations, and a write and a read of each service.

    The writes are rolled back. Exit status 0 if everything works, else 1.
    """
    if not report():
        raise typer.Exit(1)


def report() -> bool:
    """Print a line per finding: tick, cross, or ! for a note; return True without a cross."""
    is_good = True
    for finding in findings():
        mark, colour = ("✓ ", typer.colors.GREEN) if finding.is_good else ("✗ ", typer.colors.RED)
        if finding.is_note:
            mark, colour = "! ", typer.colors.YELLOW
        typer.secho(mark, fg=colour, nl=False)
        typer.echo(finding.text)
        is_good &= finding.is_good
    return is_good


def findings() -> Iterator[Finding]:
    """Yield the findings; without a connection there is only one."""
    try:
        settings = command_settings()
        engine = connected_engine(settings, "check")
    except ConfigurationError as refusal:
        yield Finding(str(refusal), is_good=False)
        return
    with engine.connect() as connection:
        yield _connection(connection)
        yield _version(connection)
        yield _tls(connection, settings)
        can_make_roles = can_create_roles(connection)
        if settings.database_pool == "queue":
            yield _pools(connection, settings)
    for history in HISTORIES:
        current = partial(require_migrated, Database.for_bind(engine), history)
        yield _tried(f"schema {history.schema} is at this release's revision", current)
    for name in TRIALS:
        yield from _service(name, settings, can_make_roles=can_make_roles)


def _connection(connection: Connection) -> Finding:
    row = connection.execute(text("SELECT current_database(), current_user")).one()
    host = _server(connection)
    host = "local socket" if not host or host.startswith("/") else host
    return Finding(f"connected to {host}, database {row[0]}, as {row[1]}")


def _server(connection: Connection) -> str:
    """Return the host of the connection, which may be one of several."""
    driver: Any = connection.connection.dbapi_connection
    return str(driver.info.host or "")


def _version(connection: Connection) -> Finding:
    version = connection.scalar(text("SHOW server_version")) or ""
    major = int(version.split(".")[0].split()[0])
    if OLDEST <= major <= NEWEST:
        return Finding(f"PostgreSQL {version}")
    tested = f"Veritas is tested with {OLDEST} to {NEWEST}"
    return Finding(f"PostgreSQL {version}: {tested}", is_good=False)


def _tls(connection: Connection, settings: DatabaseSettings) -> Finding:
    query = text("SELECT version FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid()")
    version = connection.scalar(query)
    if version:
        return Finding(f"the connection is encrypted ({version})")
    if is_local(_server(connection)):
        return Finding("the server is on this machine; TLS is not needed")
    if settings.database_tls == "off":
        return Finding(
            "TLS is switched off (DATABASE_TLS=off), as is right only on a private network"
        )
    # Behind a pooler the view shows the pooler's own connection.
    return Finding(
        "the server does not see TLS on this connection; behind a pooler of your own that ends "
        "TLS this may be right, else look at sslmode and DATABASE_TLS",
        is_good=False,
    )


def _pools(connection: Connection, settings: ServiceSettings) -> Finding:
    """Compare the connections that the services may keep with those of the server."""
    kept = len(SETTINGS) * settings.workers * settings.pool_size
    free = connection.scalar(_FREE_CONNECTIONS) or 0
    claim = f"the pools of {len(SETTINGS)} services keep up to {kept} of {free} connections"
    if kept <= free:
        return Finding(claim)
    remedy = "Lower REQUEST_THREADS or WORKERS, or raise PostgreSQL's max_connections"
    return Finding(f"{claim}. {remedy}", is_good=False)


def _service(name: str, owner: ServiceSettings, *, can_make_roles: bool) -> Iterator[Finding]:
    """Test a service with its own login and role."""
    try:
        settings = SETTINGS[name]()
        engine = connected_engine(settings if settings.database_url else owner, "check")
        role = role_name(settings.database_role_prefix, name)
        person_role = {
            one.schema: one.name for one in person_roles(settings.database_role_prefix)
        }.get(name)
        with Database.for_bind(engine).reading() as session:
            has_role = may_take(session, role, name)
            has_person_role = person_role is not None and may_take(
                session, person_role, seen_schema(name)
            )
    except (ServiceError, ConfigurationError) as refusal:
        yield Finding(f"{name}: {refusal}", is_good=False)
        return
    yield _role(name, role, engine, has_role=has_role, can_make_roles=can_make_roles)
    if person_role is not None:
        yield _person_role(
            name, person_role, has_role=has_person_role, can_make_roles=can_make_roles
        )
    trial = partial(_roll_back, engine, TRIALS[name], role if has_role else None)
    yield _tried(f"{name} writes and reads (rolled back)", trial)
    own = Database.for_bind(
        engine, role=role if has_role else None, statement_timeout_seconds=_IDS_SECONDS
    )
    yield from _ids(name, own)
    if name == "dropout":
        yield from _model_quality(own)


def _model_quality(database: Database) -> Iterator[Finding]:
    """Test the latest week of the active model that could be judged; nothing without any."""
    try:
        week = DropoutDatabaseManager(database).model_weeks.get_latest_judged()
    except ServiceError as refusal:
        yield Finding(f"the weeks of the active model: {refusal}", is_good=False)
        return
    if week is not None:
        claim = f"the predictions of {week.version} in the week of {week.week} were not bad"
        warning = bad_week_text(week)
        yield Finding(warning or claim, is_note=warning is not None)


def _ids(name: str, database: Database) -> Iterator[Finding]:
    """List stored ids that requests do not reach, because they are not in Unicode's form NFC."""
    claim = f"{name} has its ids in Unicode's form NFC"
    try:
        with database.reading_filtered() as session:
            found = list(other_forms(session, name))
    except QueryTooExpensive:
        yield Finding(f"{claim}: not known, reading takes over {_IDS_SECONDS} s", is_note=True)
        return
    except (ServiceError, ConfigurationError) as refusal:
        yield Finding(f"{claim}: no. {refusal}", is_good=False)
        return
    except DBAPIError as failure:
        yield Finding(f"{claim}: no. {_first_line(failure)}", is_good=False)
        return
    if not found:
        yield Finding(claim)
    for table in found:
        more = " and more" if table.has_more else ""
        yield Finding(
            f"{table.table}: ids that are not in Unicode's form NFC, so that no request reaches "
            f"them by id: {', '.join(table.ids)}{more}. docs/operations.md has the remedy",
            is_note=True,
        )
        for first, second in table.pairs:
            yield Finding(
                f"{table.table}: {first} and {second} differ only by their form. They look alike, "
                "and nothing merges them",
                is_note=True,
            )


def _role(name: str, role: str, engine: Engine, *, has_role: bool, can_make_roles: bool) -> Finding:
    if has_role:
        return Finding(f"{name} works in its role {role}")
    if can_make_roles:
        remedy = "Run `veritas migrate`"
        return Finding(
            f"{name}: {engine.url.username} may not take the role {role}. {remedy}", is_good=False
        )
    return Finding(
        f"{name} has no role {role}, and this login may not make roles: nothing keeps the services "
        "out of each other's tables by mistake. It works all the same",
        is_note=True,
    )


def _person_role(name: str, role: str, *, has_role: bool, can_make_roles: bool) -> Finding:
    if has_role:
        return Finding(f"{name} limits persons to their students by the role {role}")
    claim = f"{name} cannot take the role {role}, so persons who do not see all students get 501"
    if can_make_roles:
        return Finding(f"{claim}. Run `veritas migrate`", is_good=False)
    remedy = "An administrator of the server makes it: `veritas migrate --sql` prints the SQL"
    return Finding(f"{claim}. {remedy}", is_note=True)


def _tried(claim: str, trial: Callable[[], None]) -> Finding:
    try:
        trial()
    except (ServiceError, ConfigurationError, CommandError) as refusal:
        return Finding(f"{claim}: no. {refusal}", is_good=False)
    except DBAPIError as failure:
        return Finding(f"{claim}: no. {_first_line(failure)}", is_good=False)
    return Finding(claim)


def _first_line(failure: DBAPIError) -> str:
    return str(failure.orig).strip().partition("\n")[0]


def _roll_back(engine: Engine, trial: Callable[[Database], None], role: str | None) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        trial(Database.for_bind(connection, role=role))
        transaction.rollback()


def _try_staffstuddash(database: Database) -> None:
    manager = DatastoreManager(database)
    student = manager.add_student(new_id(), "Check")
    manager.add_assessment(student.id, "check", "Check", 1)
    manager.get_performance_record(student.id)


def _try_dropout(database: Database) -> None:
    manager = DropoutDatabaseManager(database)
    event = manager.events.add(None, new_id(), None, "NAVIGATION")
    manager.events.search(event.student_id)


def _try_monitoring(database: Database) -> None:
    manager = MonitoringDatabase(database)
    log = manager.add_log(source="veritas-check", event_type="check")
    manager.logs.get(log.id)


TRIALS: dict[str, Callable[[Database], None]] = {
    "monitoring": _try_monitoring,
    "staffstuddash": _try_staffstuddash,
    "dropout": _try_dropout,
}
