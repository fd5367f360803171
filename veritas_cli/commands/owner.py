"""`veritas owner`: give the database to an owner without superuser rights."""

from shared_db.errors import ConfigurationError
from shared_db.provisioning.login_roles import Login
from shared_db.provisioning.ownership import hand_over
from veritas_cli.database import connected_engine, exit_on_error
from veritas_cli.migrations import OWNED_SCHEMAS, all_roles
from veritas_cli.services import login_in
from veritas_cli.settings import SuperuserSettings
from veritas_cli.terminal import say


def owner() -> None:
    """Make the login of DATABASE_ADMIN_URL the owner of the database and of Veritas's objects.

    Needs the URL of a superuser in DATABASE_SUPERUSER_URL, which no other command uses. Running it
    again changes only the password, if DATABASE_ADMIN_URL has a new one.
    """
    with exit_on_error("owner"):
        settings = SuperuserSettings.load()
        if settings.database_superuser_url is None:
            raise ConfigurationError("DATABASE_SUPERUSER_URL is not set.")
        engine = connected_engine(settings, "owner")
        login = _owner(settings, str(engine.url.database))
        roles = [role.name for role in all_roles(settings.database_role_prefix)]
        changed = hand_over(engine, login, OWNED_SCHEMAS, roles)
        say(f"{login.name} owns {engine.url.database}: {changed} changes.")


def _owner(settings: SuperuserSettings, database: str) -> Login:
    variable = "DATABASE_ADMIN_URL"
    if settings.database_admin_url is None:
        raise ConfigurationError(f"{variable} is not set, so there is no owner to make.")
    login, named = login_in(settings.database_admin_url, variable)
    if named != database:
        raise ConfigurationError(
            f"{variable} names the database {named}, DATABASE_SUPERUSER_URL {database}."
        )
    return login
