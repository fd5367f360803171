"""Store of a service: PostgreSQL, or in memory, opened as the settings say."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, Engine, ExceptionContext, MetaData, event, text
from sqlalchemy.exc import DBAPIError

from shared_db.connection.connection_count import ConnectionCount
from shared_db.connection.engine import build_engine
from shared_db.connection.hosts import described_hosts, hosts_of
from shared_db.connection.memory_engine import build_memory_engine
from shared_db.connection.roles import Role, person_role_name, role_name, seen_schema
from shared_db.errors import ConfigurationError
from shared_db.resilience import descriptors
from shared_db.resilience.circuit_breaker import CircuitBreaker
from shared_db.resilience.deadlines import connect_in_time, deadline_scope, watch
from shared_db.resilience.error_classification import (
    is_answer,
    is_unknown_name,
    misconfiguration,
    to_service_error,
)
from shared_db.settings import DatabaseSettings

logger = logging.getLogger(__name__)

MEMORY_WARNING = (
    "Rows are kept in memory and are gone when the service stops: {reason}. "
    "For development only; set DATABASE_URL to keep them."
)

# The server is probed after this share of an insert's time without an answer.
SUSPECT_SHARE = 1 / 4

# Check of a new connection; a server that was away counts as back only if it passes.
Check = Callable[[Connection], None]


@dataclass(frozen=True)
class Store:
    """Opened store: the bind of its sessions, its limits and its kind.

    breaker: for a server that a running service depends on; None where an error is enough.
    checks: run on the first connection to a server that was away; more may be added.
    person_role: taken in requests of a person. person_schemas: those that have views for persons;
    empty if no table has rows of a person, None if that is not known. connections: those of the
    server of a running service.
    """

    bind: Engine | Connection
    statement_timeout_seconds: float = 10
    lock_timeout_seconds: float = 3
    adding_seconds: float = 1.2
    memory_reason: str | None = None
    anchor: Connection | None = None
    role: Role | None = None
    breaker: CircuitBreaker | None = None
    checks: list[Check] | None = None
    person_role: Role | None = None
    person_schemas: Sequence[str] | None = None
    connections: ConnectionCount | None = None

    @property
    def is_memory(self) -> bool:
        """Return True if this is the in-memory store."""
        return self.memory_reason is not None

    def close(self) -> None:
        """Close the connections; an in-memory store loses its rows with them."""
        if self.breaker is not None:
            self.breaker.stop()
        if self.anchor is not None:
            self.anchor.close()
        if isinstance(self.bind, Engine):
            self.bind.dispose()


class StoreOptions(TypedDict, total=False):
    """Options of a store on an existing engine or connection.

    role: the one that units of work take; `none` is the login itself. person_role: the one in
    requests of a person. person_schemas: as in `Store`; the first one is the service's own.
    """

    statement_timeout_seconds: float
    role: str | None
    person_role: str | None
    person_schemas: Sequence[str] | None


def store_on(bind: Engine | Connection, **options: Unpack[StoreOptions]) -> Store:
    """Return a store without a breaker on an existing engine or connection."""
    role, person_role = options.get("role"), options.get("person_role")
    schemas = options.get("person_schemas")
    views = seen_schema(schemas[0]) if schemas else ""
    return Store(
        bind,
        statement_timeout_seconds=options.get("statement_timeout_seconds", 10),
        role=Role(role, is_taken=True) if role else None,
        person_role=Role(person_role, views) if person_role else None,
        person_schemas=schemas,
    )


def open_from_settings(
    settings: DatabaseSettings,
    application_name: str,
    metadata: MetaData,
    person_schemas: Sequence[str] | None = None,
) -> Store:
    """Open PostgreSQL, or the in-memory store if the settings ask for it.

    An unreachable server is no error in production: the service starts without it.

    Raises:
        ConfigurationError: the URL, user, password, database or certificate is wrong.

    """
    if settings.database_url is None:
        return memory_store(metadata, "DATABASE_URL is not set", person_schemas)
    engine = build_engine(settings, application_name)
    # A second engine, because the probe must neither wait for a pooled connection nor reuse one.
    unpooled = build_engine(settings.model_copy(update={"database_pool": "null"}), application_name)
    failure = try_connecting(unpooled, settings.url_variable)
    if failure is not None and settings.serves_from_memory_when_away:
        reason = f"the server of {settings.url_variable} does not answer"
        return memory_store(metadata, reason, person_schemas)
    store = postgres_store(engine, unpooled, settings, metadata.schema or "", person_schemas)
    if failure is not None and store.breaker is not None:
        store.breaker.trip()
    return store


def postgres_store(
    engine: Engine,
    unpooled: Engine,
    settings: DatabaseSettings,
    schema: str,
    person_schemas: Sequence[str] | None = None,
) -> Store:
    """Return the store of a running service on this engine, with its breaker and deadlines.

    unpooled: engine of the probe.
    """
    connect_in_time(engine)
    connect_in_time(unpooled)
    checks: list[Check] = []
    breaker = CircuitBreaker(
        partial(probe, unpooled, settings.url_variable, checks),
        # The probe starts after the other share of the time, so it ends when the insert does.
        patience_seconds=settings.database_adding_seconds * (1 - SUSPECT_SHARE),
        # libpq waits so long for each host.
        longest_seconds=settings.database_connect_timeout_seconds * len(hosts_of(engine.url)),
    )
    _listen_for_answers(engine, breaker)
    return Store(
        engine,
        statement_timeout_seconds=settings.database_statement_timeout_seconds,
        lock_timeout_seconds=settings.database_lock_timeout_seconds,
        adding_seconds=settings.database_adding_seconds,
        role=Role(role_name(settings.database_role_prefix, schema), schema),
        breaker=breaker,
        checks=checks,
        person_role=Role(
            person_role_name(settings.database_role_prefix, schema), seen_schema(schema)
        ),
        person_schemas=person_schemas,
        connections=ConnectionCount(engine),
    )


def _listen_for_answers(engine: Engine, breaker: CircuitBreaker) -> None:
    """Record every answered statement, so that one slow statement does not open the breaker."""

    def executed(*_details: object) -> None:
        breaker.record_success()

    def failed(context: ExceptionContext) -> None:
        if is_answer(context.original_exception):
            breaker.record_success()

    event.listen(engine, "after_cursor_execute", executed)
    event.listen(engine, "handle_error", failed)


def probe(engine: Engine, variable: str, checks: list[Check], seconds: float) -> None:
    """Return if the server answers within so many seconds and passes the checks.

    Raises:
        DatabaseUnavailable: it does not answer.
        DatabaseBusy: it answers, but has no connection left.
        Overloaded: this process has no thread or file descriptor left.
        ConfigurationError: it refuses the settings, or a check failed.

    """
    try:
        with (
            deadline_scope(seconds, seconds, _suspect_nothing) as deadline,
            engine.connect() as connection,
            watch(connection, deadline),
            connection.begin(),  # its end, too, is watched
        ):
            connection.execute(text("SELECT 1"))
            for check in tuple(checks):
                check(connection)
                checks.remove(check)
    except DBAPIError as failure:
        # An unknown name is no mistake in the settings: it may have been known, or be known later.
        is_mistake = not is_unknown_name(failure)
        refusal = _refusal(engine, variable, failure) if is_mistake else None
        raise (refusal or to_service_error(failure) or failure) from failure
    except OSError as failure:
        if shortage := descriptors.shortage(failure):
            raise shortage from failure
        raise


def _suspect_nothing() -> None:
    """Do nothing: a slow probe needs no second probe."""


def try_connecting(engine: Engine, variable: str = "DATABASE_URL") -> DBAPIError | None:
    """Connect once; return the failure if the server cannot be reached or is not ready.

    variable: the setting with the server's URL, for the message.

    Raises:
        ConfigurationError: the server, or libpq, refuses these settings.

    """
    try:
        with engine.connect() as connection:
            _require_utf8(connection, variable)
    except DBAPIError as failure:
        if _may_be_known_later(engine, failure):
            names = ", ".join(host.name for host in hosts_of(engine.url))
            logger.warning("%s: no host is called %s now", variable, names)
        elif refusal := _refusal(engine, variable, failure):
            raise refusal from failure
        return failure
    return None


def _may_be_known_later(engine: Engine, failure: DBAPIError) -> bool:
    # Container engines and many local networks drop the name of a stopped machine.
    return is_unknown_name(failure) and any("." not in h.name for h in hosts_of(engine.url))


def _require_utf8(connection: Connection, variable: str) -> None:
    driver: Any = connection.connection.dbapi_connection
    encoding = driver.get_parameter_status("server_encoding")
    if encoding not in (None, "UTF8"):  # some poolers do not report it
        raise ConfigurationError(
            f"The database of {variable} is encoded in {encoding}, which cannot hold every name. "
            "Make one in UTF8: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0."
        )


def _refusal(engine: Engine, variable: str, failure: DBAPIError) -> ConfigurationError | None:
    meaning = misconfiguration(failure)
    if meaning is None:
        return None
    return ConfigurationError(
        f"{variable} does not work: {meaning} ({described_hosts(engine.url)}, database "
        f"{engine.url.database}, user {engine.url.username})."
    )


def memory_store(
    metadata: MetaData, reason: str, person_schemas: Sequence[str] | None = None
) -> Store:
    """Open a new, empty in-memory store and log the reason."""
    logger.warning(MEMORY_WARNING.format(reason=reason))
    engine, anchor = build_memory_engine(metadata)
    return Store(engine, memory_reason=reason, anchor=anchor, person_schemas=person_schemas)
