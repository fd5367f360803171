"""Client programs of PostgreSQL: selection by version, and their environment."""

import os

from sqlalchemy import URL

from shared_db.errors import ConfigurationError
from veritas_cli.postgres.binaries import Programs, folders_with, version_of

# Parameters of a URL that libpq also reads from the environment, so that none is on a command line.
_VARIABLES = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "sslcrldir": "PGSSLCRLDIR",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "gssencmode": "PGGSSENCMODE",
    "options": "PGOPTIONS",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "hostaddr": "PGHOSTADDR",
    "passfile": "PGPASSFILE",
    "channel_binding": "PGCHANNELBINDING",
    "host": "PGHOST",
    "port": "PGPORT",
}


def fitting_program(name: str, major: int) -> Programs:
    """Return the oldest installation whose program `name` has at least this major version.

    The oldest, because a newer pg_dump writes settings that an older server does not know.

    Raises:
        ConfigurationError: none is installed, or all are too old.

    """
    found = [
        Programs(folder, version)
        for folder in folders_with(name)
        if (version := version_of(folder / name))
    ]
    fitting = [programs for programs in found if programs.major >= major]
    if fitting:
        return min(fitting, key=lambda programs: programs.major)
    there = ", ".join(sorted({programs.version for programs in found})) or "none"
    raise ConfigurationError(
        f"This needs {name} of PostgreSQL {major} or newer; installed: {there}. Install "
        f"PostgreSQL {major}'s client programs (Debian, Ubuntu: postgresql-client-{major}), or "
        "set POSTGRES_BIN to their folder."
    )


def libpq_environment(url: URL) -> dict[str, str]:
    """Return the environment with which a client program connects to the URL."""
    values = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGCONNECT_TIMEOUT": "10",
        **{
            variable: _text(url.query.get(name))
            for name, variable in _VARIABLES.items()
            if name in url.query
        },
    }
    # English, because the progress is parsed from the programs' output.
    own = {"LC_ALL": "C", "PGAPPNAME": "veritas-backup"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**inherited, **own, **{name: value for name, value in values.items() if value}}


def _text(value: str | tuple[str, ...] | None) -> str | None:
    return ",".join(value) if isinstance(value, tuple) else value
