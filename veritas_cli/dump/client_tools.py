"""pg_dump and pg_restore: which of the installed ones fits a server, and how it is spoken to."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from shared_db.errors import ConfigurationError
from veritas_cli.postgres.binaries import folders_with

# What a URL says and libpq reads from the environment: nothing of it stands on a command line.
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


@dataclass(frozen=True)
class Program:
    """One program of PostgreSQL and its version, as in `15.18`."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        """The major version."""
        return major_of(self.version)


def major_of(version: str) -> int:
    """Return the major version of `15.18 (Debian ...)`."""
    found = re.match(r"\d+", version)
    if found is None:
        raise ValueError("a version begins with a number")
    return int(found.group())


def fitting_program(name: str, major: int) -> Program:
    """Return the oldest installed program of that name that is at least of this major version.

    The oldest, because a newer pg_dump writes settings that an older server does not know.

    Raises:
        ConfigurationError: none is installed, or all are too old.

    """
    found = [program for folder in folders_with(name) if (program := _inspect(folder / name))]
    fitting = [program for program in found if program.major >= major]
    if fitting:
        return min(fitting, key=lambda program: program.major)
    there = ", ".join(sorted({program.version for program in found})) or "none"
    raise ConfigurationError(
        f"This needs {name} of PostgreSQL {major} or newer; installed: {there}. Install "
        f"PostgreSQL {major}'s client programs (Debian, Ubuntu: postgresql-client-{major}), or "
        "set POSTGRES_BIN to their folder."
    )


def _inspect(path: Path) -> Program | None:
    answer = subprocess.run([str(path), "--version"], check=False, capture_output=True, text=True)  # noqa: S603 - found on this machine
    version = re.search(r"\(PostgreSQL\) (\d\S*)", answer.stdout)
    return Program(path, version.group(1)) if version else None


def libpq_environment(url: URL) -> dict[str, str]:
    """Return the environment in which a program of PostgreSQL connects to the URL."""
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
    # English, because the progress is read from what the programs say.
    own = {"LC_ALL": "C", "PGAPPNAME": "veritas-backup"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**inherited, **own, **{name: value for name, value in values.items() if value}}


def _text(value: str | tuple[str, ...] | None) -> str | None:
    return ",".join(value) if isinstance(value, tuple) else value
