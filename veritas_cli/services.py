"""The three services as the commands see them: their settings and their logins."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.engine import normalised_url
from shared_web.settings import ServiceSettings
from staffstuddash_service.settings import Settings as StaffstuddashSettings

SETTINGS: Mapping[str, Callable[[], ServiceSettings]] = MappingProxyType(
    {
        "monitoring": MonitoringSettings.load,
        "staffstuddash": StaffstuddashSettings.load,
        "dropout": DropoutSettings.load,
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
