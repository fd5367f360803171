"""`veritas migrate`: migrate the tables to this release, and make the services' roles."""

from typing import Annotated

import typer
from sqlalchemy import Connection

from shared_db.errors import ConfigurationError
from shared_db.provisioning.grants import can_create_roles, missing_grants
from shared_db.provisioning.login_roles import make_logins
from shared_web.settings import ServiceSettings
from veritas_cli.database import command_settings, connected_engine, exit_on_error
from veritas_cli.migrations import SCHEMAS, all_roles, migrate_all, steps
from veritas_cli.services import logins, own_logins
from veritas_cli.terminal import say

CHECK = Annotated[
    bool, typer.Option("--check", help="Change nothing; exit status 1 if a change is needed.")
]
SQL = Annotated[
    bool, typer.Option("--sql", help="Change nothing; print the SQL of the needed changes.")
]
LOGINS = Annotated[
    bool,
    typer.Option(
        "--logins", help="First make the logins in the services' URLs, or set their passwords."
    ),
]


def migrate(*, check: CHECK = False, sql: SQL = False, with_logins: LOGINS = False) -> None:
    """Migrate the tables of all services to this release; running it again changes nothing.

    One process migrates at a time; a second one waits. If this login may make roles, each service
    gets a role with the least rights that it needs. Otherwise the services share its rights.
    """
    with exit_on_error("migrate"):
        settings = command_settings()
        engine = connected_engine(settings, "migrate")
        if with_logins and (check or sql):
            raise ConfigurationError(
                "--logins changes something; --check and --sql change nothing."
            )
        if check or sql:
            with engine.connect() as connection:
                lines = _sql(connection, settings) if sql else _pending(connection, settings)
            if lines:
                typer.echo("\n".join(lines))
            if lines and check:
                raise typer.Exit(1)
            return
        if with_logins:
            made = own_logins()
            make_logins(engine, made)
            say(f"{'logins':<14} {', '.join(login.name for login in made)}")
        refusal = migrate_all(
            engine,
            role_prefix=settings.database_role_prefix,
            logins=logins(),
            on_step=lambda step: say(str(step)),
        )
    if refusal is not None:
        say(f"No roles were made, so the services share the login's rights: {refusal}")


def _pending(connection: Connection, settings: ServiceSettings) -> list[str]:
    lines = [str(step) for step in steps(connection) if step.is_needed]
    if can_create_roles(connection):
        lines += _missing_roles(connection, settings)
    return lines


def _sql(connection: Connection, settings: ServiceSettings) -> list[str]:
    needed = [step for step in steps(connection) if step.is_needed]
    roles = _missing_roles(connection, settings)
    if not needed and not roles:
        return []
    rights = (
        line
        for role in all_roles(settings.database_role_prefix)
        for line in role.privileges(SCHEMAS)
    )
    migrations = [f"-- {step}\n{step.history.sql(step.current)}" for step in needed]
    return [*migrations, "-- roles", *(f"{line};" for line in (*roles, *rights))]


def _missing_roles(connection: Connection, settings: ServiceSettings) -> list[str]:
    names = logins()
    return [
        line
        for role in all_roles(settings.database_role_prefix)
        for line in missing_grants(connection, role, names.get(role.schema))
    ]
