"""`veritas check`: does the database work for all three services?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import typer
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from dropout_service.database import DropoutDatabaseManager
from monitoring_service.database import MonitoringDatabase
from shared_db.connection.database import Database
from shared_db.connection.engine import is_local
from shared_db.connection.roles import may_take, role_name
from shared_db.errors import ConfigurationError, ServiceError
from shared_db.ids import new_id
from shared_db.provisioning.grants import can_create_roles
from shared_db.provisioning.migrations import require_migrated
from shared_db.settings import DatabaseSettings
from shared_web.settings import ServiceSettings
from staffstuddash_service.datastore import DatastoreManager
from veritas_cli.database import command_settings, connected_engine
from veritas_cli.migrations import HISTORIES
from veritas_cli.services import SETTINGS

OLDEST, NEWEST = 15, 18


@dataclass(frozen=True)
class Finding:
    """One thing that was verified, or why it is not so."""

    is_good: bool
    text: str
    is_note: bool = False


def check() -> None:
    """Verify connection, server, TLS, migrations, and a write and a read of each service.

    What is written is rolled back. Exit status 0 when all is well, else 1.
    """
    if not report():
        raise typer.Exit(1)


def report() -> bool:
    """Print a line per finding: tick, cross, or ! for a note; tell whether none is a cross."""
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
    """Verify one thing after the other; without a connection there is only the first finding."""
    try:
        settings = command_settings()
        engine = connected_engine(settings, "check")
    except ConfigurationError as refusal:
        yield Finding(is_good=False, text=str(refusal))
        return
    with engine.connect() as connection:
        yield _connection(connection)
        yield _version(connection)
        yield _tls(connection, settings)
        can_make_roles = can_create_roles(connection)
    for history in HISTORIES:
        current = partial(require_migrated, Database.on(engine), history)
        yield _tried(f"schema {history.schema} is at this release's revision", current)
    for name in TRIALS:
        yield from _service(name, settings, can_make_roles=can_make_roles)


def _connection(connection: Connection) -> Finding:
    row = connection.execute(text("SELECT current_database(), current_user")).one()
    host = connection.engine.url.host or "local socket"
    return Finding(is_good=True, text=f"connected to {host}, database {row[0]}, as {row[1]}")


def _version(connection: Connection) -> Finding:
    version = connection.scalar(text("SHOW server_version")) or ""
    major = int(version.split(".")[0].split()[0])
    if OLDEST <= major <= NEWEST:
        return Finding(is_good=True, text=f"PostgreSQL {version}")
    wanted = f"Veritas is tested with {OLDEST} to {NEWEST}"
    return Finding(is_good=False, text=f"PostgreSQL {version}: {wanted}")


def _tls(connection: Connection, settings: DatabaseSettings) -> Finding:
    query = text("SELECT version FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid()")
    version = connection.scalar(query)
    if version:
        return Finding(is_good=True, text=f"the connection is encrypted ({version})")
    if is_local(connection.engine.url.host):
        return Finding(is_good=True, text="the server is on this machine; TLS is not needed")
    if settings.database_tls == "off":
        off = "TLS is switched off (DATABASE_TLS=off), as is right only on a private network"
        return Finding(is_good=True, text=off)
    # Behind a pooler the view speaks of the pooler's own connection.
    return Finding(
        is_good=False,
        text="the server does not see TLS on this connection; behind a pooler of your own that "
        "ends TLS this may be right, else look at sslmode and DATABASE_TLS",
    )


def _service(name: str, owner: ServiceSettings, *, can_make_roles: bool) -> Iterator[Finding]:
    """Verify a service as the login, and in the role, that it will have."""
    try:
        own = SETTINGS[name]()
        engine = connected_engine(own if own.database_url else owner, "check")
        role = role_name(own.database_role_prefix, name)
        with Database.on(engine).reading() as session:
            has_role = may_take(session, role, name)
    except (ServiceError, ConfigurationError) as refusal:
        yield Finding(is_good=False, text=f"{name}: {refusal}")
        return
    yield _role(name, role, engine, has_role=has_role, can_make_roles=can_make_roles)
    trial = partial(_roll_back, engine, TRIALS[name], role if has_role else None)
    yield _tried(f"{name} writes and reads (rolled back)", trial)


def _role(name: str, role: str, engine: Engine, *, has_role: bool, can_make_roles: bool) -> Finding:
    if has_role:
        return Finding(is_good=True, text=f"{name} works in its role {role}")
    if can_make_roles:
        login = engine.url.username
        text_ = f"{name}: {login} may not take the role {role}. Run `veritas migrate`"
        return Finding(is_good=False, text=text_)
    return Finding(
        is_good=True,
        is_note=True,
        text=f"{name} has no role {role}, and this login may not make roles: nothing keeps the "
        "services out of each other's tables by mistake. It works all the same",
    )


def _tried(what: str, trial: Callable[[], None]) -> Finding:
    try:
        trial()
    except (ServiceError, ConfigurationError, CommandError) as refusal:
        return Finding(is_good=False, text=f"{what}: no. {refusal}")
    except DBAPIError as failure:
        reason = str(failure.orig).strip().partition("\n")[0]
        return Finding(is_good=False, text=f"{what}: no. {reason}")
    return Finding(is_good=True, text=what)


def _roll_back(engine: Engine, trial: Callable[[Database], None], role: str | None) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        trial(Database.on(connection, role=role))
        transaction.rollback()


def _try_staffstuddash(database: Database) -> None:
    manager = DatastoreManager(database)
    student = manager.add_student(new_id(), "Check")
    manager.add_assessment(student.id, "check", "Check", 1)
    manager.get_performance_record(student.id)


def _try_dropout(database: Database) -> None:
    manager = DropoutDatabaseManager(database)
    event = manager.add_learning_event(None, new_id(), None, "NAVIGATION")
    manager.get_student_events(event.student_id)


def _try_monitoring(database: Database) -> None:
    manager = MonitoringDatabase(database)
    log = manager.add_log(source="veritas-check", event_type="check")
    manager.get_log_by_id(log.id)


TRIALS: dict[str, Callable[[Database], None]] = {
    "monitoring": _try_monitoring,
    "staffstuddash": _try_staffstuddash,
    "dropout": _try_dropout,
}
