"""`veritas owner`: hand the database over to an owner that is no superuser."""

from shared_db.connection.engine import normalised_url
from shared_db.errors import ConfigurationError
from shared_db.provisioning.login_roles import Login
from shared_db.provisioning.ownership import hand_over
from veritas_cli.database import connected_engine, refusals_in_one_line
from veritas_cli.migrations import OWNED_SCHEMAS, service_roles
from veritas_cli.settings import SuperuserSettings
from veritas_cli.terminal import say


def owner() -> None:
    """Make the login of DATABASE_ADMIN_URL, and give it the database and all that is Veritas's.

    Needs the URL of a superuser in DATABASE_SUPERUSER_URL, which nothing else uses. Running it
    again changes nothing but the password, where DATABASE_ADMIN_URL has another one.
    """
    with refusals_in_one_line("owner"):
        settings = SuperuserSettings.load()
        if settings.database_superuser_url is None:
            raise ConfigurationError("DATABASE_SUPERUSER_URL is not set.")
        engine = connected_engine(settings, "owner")
        login = _owner(settings, str(engine.url.database))
        roles = [role.name for role in service_roles(settings.database_role_prefix)]
        changed = hand_over(engine, login, OWNED_SCHEMAS, roles)
        say(f"{login.name} owns {engine.url.database}: {changed} changes.")


def _owner(settings: SuperuserSettings, database: str) -> Login:
    variable = "DATABASE_ADMIN_URL"
    if settings.database_admin_url is None:
        raise ConfigurationError(f"{variable} is not set, so there is no owner to make.")
    url = normalised_url(settings.database_admin_url.get_secret_value(), variable)
    if not url.username or not url.password:
        raise ConfigurationError(f"{variable} lacks the user or the password.")
    if url.database != database:
        raise ConfigurationError(
            f"{variable} names the database {url.database}, DATABASE_SUPERUSER_URL {database}."
        )
    return Login(url.username, str(url.password))
