"""The three services as the commands see them: their settings and their logins."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dropout_service.database import KINDS as DROPOUT_KINDS
from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.database import KINDS as MONITORING_KINDS
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.additions import Kind
from shared_db.engine import normalised_url
from shared_web.settings import ServiceSettings
from staffstuddash_service.datastore import KINDS as STAFFSTUDDASH_KINDS
from staffstuddash_service.settings import Settings as StaffstuddashSettings

SETTINGS: Mapping[str, Callable[[], ServiceSettings]] = MappingProxyType(
    {
        "monitoring": MonitoringSettings.load,
        "staffstuddash": StaffstuddashSettings.load,
        "dropout": DropoutSettings.load,
    }
)

# What each service accepts while its database is away.
KINDS: Mapping[str, Sequence[Kind[Any, Any]]] = MappingProxyType(
    {
        "monitoring": MONITORING_KINDS,
        "staffstuddash": STAFFSTUDDASH_KINDS,
        "dropout": DROPOUT_KINDS,
    }
)


def logins() -> dict[str, str]:
    """Return by schema the user whom each service's URL names; without a URL there is none.

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
