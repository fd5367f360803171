"""Settings, spoolable types and logins of the three services."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import SecretStr

from dropout_service.database import SPOOLABLE_TYPES as DROPOUT_TYPES
from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.database import SPOOLABLE_TYPES as MONITORING_TYPES
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.connection.engine import normalised_url
from shared_db.errors import ConfigurationError
from shared_db.provisioning.login_roles import Login
from shared_db.spool.spoolable import SpoolableType
from shared_web.settings import ServiceSettings
from staffstuddash_service.datastore import SPOOLABLE_TYPES as STAFFSTUDDASH_TYPES
from staffstuddash_service.settings import Settings as StaffstuddashSettings

SETTINGS: Mapping[str, Callable[[], ServiceSettings]] = MappingProxyType(
    {
        "monitoring": MonitoringSettings.load,
        "staffstuddash": StaffstuddashSettings.load,
        "dropout": DropoutSettings.load,
    }
)

# Rows that each service accepts while its database is unavailable.
SPOOLABLE_TYPES: Mapping[str, Sequence[SpoolableType[Any, Any]]] = MappingProxyType(
    {
        "monitoring": MONITORING_TYPES,
        "staffstuddash": STAFFSTUDDASH_TYPES,
        "dropout": DROPOUT_TYPES,
    }
)


def logins() -> dict[str, str]:
    """Return the user in each service's URL by schema, without the services that have no URL.

    Raises:
        ConfigurationError: a URL cannot be read.

    """
    found = {}
    for schema, load in SETTINGS.items():
        settings = load()
        url = settings.database_url
        user = url and normalised_url(url.get_secret_value(), settings.url_variable).username
        if user:
            found[schema] = user
    return found


def own_logins() -> list[Login]:
    """Return the logins in the services' own URLs.

    Raises:
        ConfigurationError: no service has its own URL, a URL lacks the user or the password, or
            two of them differ in the password of one user.

    """
    found: dict[str, Login] = {}
    for load in SETTINGS.values():
        settings = load()
        own: SecretStr | None = getattr(settings, settings.own_url or "", None)
        if own is None:
            continue
        login, _ = login_in(own, settings.url_variable)
        if found.setdefault(login.name, login) != login:
            raise ConfigurationError(f"The URLs have two different passwords of {login.name}.")
    if not found:
        raise ConfigurationError(
            "No service has a URL of its own, so there is no login to make. Set "
            "MONITORING_DATABASE_URL, STAFFSTUDDASH_DATABASE_URL and DROPOUT_DATABASE_URL."
        )
    return list(found.values())


def login_in(secret: SecretStr, variable: str) -> tuple[Login, str | None]:
    """Return the login and the database in a URL.

    Raises:
        ConfigurationError: the URL of the variable is malformed, or lacks the user or the password.

    """
    url = normalised_url(secret.get_secret_value(), variable)
    if not url.username or not url.password:
        raise ConfigurationError(f"{variable} lacks the user or the password.")
    return Login(url.username, str(url.password)), url.database
