"""Engine for PostgreSQL: spelling of the URL, TLS mode and pool."""

import ipaddress
import re

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool

from shared_db.connection.deferred_opening import DEFERRING
from shared_db.connection.hosts import hosts_of, prefer_last_host, separate_hosts, with_hosts
from shared_db.errors import ConfigurationError
from shared_db.settings import DatabaseSettings

_POSTGRESQL = re.compile(r"^(postgres|postgresql)(\+[a-z0-9]+)?$")
_WEAK_TLS = {"disable", "allow", "prefer"}


def normalised_url(text: str, variable: str = "DATABASE_URL") -> URL:
    """Return the URL for psycopg2, in any of the usual spellings.

    Accepted: `postgres://`, `postgresql://`, another driver's `postgresql+asyncpg://`, in quotes or
    after `psql `, with one host or several (`h1:5432,h2`). variable: the setting that it comes
    from, for the message.

    Raises:
        ConfigurationError: it is no PostgreSQL URL; the message does not repeat it.

    """
    pasted = text.strip().removeprefix("psql ").strip().strip("'\"")
    try:
        text, separated = separate_hosts(pasted)
        url = make_url(text)
        hosts = hosts_of(url, separated)
    except (ArgumentError, ValueError):
        url = None
    # With a second @, a part of the password would be taken for the host, which errors name.
    if url is None or not _POSTGRESQL.match(url.drivername) or pasted.count("@") > 1:
        raise ConfigurationError(
            f"{variable} is not a PostgreSQL URL. It reads "
            "postgresql://USER:PASSWORD@HOST:5432/DATABASE, with special characters of the "
            "password percent-encoded (@ as %40). Several hosts are separated by commas."
        )
    url = url.set(drivername="postgresql+psycopg2")
    return with_hosts(url, hosts) if len(hosts) > 1 else url


def is_local(host: str | None) -> bool:
    """Return True if the host is this machine: a socket, localhost or a loopback address."""
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def with_tls(url: URL, settings: DatabaseSettings) -> URL:
    """Return the URL with the TLS mode of the settings.

    A CA file means `verify-full`; without one, a server that is not local needs at least `require`.

    Raises:
        ConfigurationError: the URL switches TLS off for a server that is not local.

    """
    if settings.database_ca_file is not None:
        return url.update_query_dict(
            {"sslmode": "verify-full", "sslrootcert": str(settings.database_ca_file)}
        )
    distant = [host for host in hosts_of(url) if not is_local(host.name)]
    if settings.database_tls == "off" or not distant:
        return url
    mode = url.query.get("sslmode")
    if mode == "disable":
        raise ConfigurationError(
            f"{settings.url_variable} switches TLS off (sslmode=disable) for {distant[0].name}, "
            "which is not this machine. Remove it, or set DATABASE_TLS=off if that network is "
            "private."
        )
    return url.update_query_dict({"sslmode": "require"}) if mode in _WEAK_TLS | {None} else url


def build_engine(settings: DatabaseSettings, application_name: str) -> Engine:
    """Return the engine for `DATABASE_URL`, which must be set; it does not connect yet.

    NullPool by default: serverless PostgreSQL needs a fresh connection per unit of work.

    Raises:
        ConfigurationError: the URL cannot be used.

    """
    if settings.database_url is None:
        raise ConfigurationError("DATABASE_URL is not set.")
    pasted = settings.database_url.get_secret_value()
    url = with_tls(normalised_url(pasted, settings.url_variable), settings)
    pool = (
        {"poolclass": NullPool}
        if settings.database_pool == "null"
        else {
            "poolclass": QueuePool,
            # Connections beyond the pool's size would be opened and closed under load.
            "pool_size": settings.pool_size,
            "max_overflow": 0,
            # The latest one first: a connection that rested costs a further round trip.
            "pool_use_lifo": True,
            # A request waits for a connection no longer than the shortest unit of work may take.
            # There is no ping before use, which would wait for a hanging server: `transactions.py`
            # tries a fresh connection when the first statement fails.
            "pool_timeout": settings.database_adding_seconds,
        }
    )
    engine = create_engine(
        url,
        **pool,
        # Looking for the type HSTORE, which no table has, would delay each new connection.
        use_native_hstore=False,
        # psycopg2 begins each transaction so; the default of the database does not matter.
        isolation_level="READ COMMITTED",
        connect_args={
            # Neither PGCLIENTENCODING nor a setting of the database or role may change it.
            "client_encoding": "UTF8",
            "connect_timeout": settings.database_connect_timeout_seconds,
            "application_name": application_name,
            **DEFERRING,
        },
        # Parameters are students' data: they never reach a log or an error's text.
        hide_parameters=True,
        echo=settings.debug,
    )
    prefer_last_host(engine)
    return engine
