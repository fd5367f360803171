"""`veritas up`: PostgreSQL, the three services and the pages for a developer, in one terminal."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from shared_db.errors import ConfigurationError
from shared_db.settings import Environment
from shared_web.settings import ServiceSettings
from veritas_cli.database import connected_engine, exit_on_error
from veritas_cli.errors import CommandFailure
from veritas_cli.migrations import migrate_all
from veritas_cli.postgres.server import LocalPostgres
from veritas_cli.processes.ports import holder_of, port_is_free
from veritas_cli.processes.service import ServiceProcess
from veritas_cli.services import SETTINGS, logins
from veritas_cli.settings import POSTGRES_FOLDER, LocalPostgresSettings
from veritas_cli.terminal import say, say_from
from veritas_web.settings import Settings as WebSettings
from veritas_web.settings import require_usable

READY_SECONDS = 120
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up() -> None:
    """Start PostgreSQL, unless DATABASE_URL names one, the services and pages; Ctrl-C stops all.

    Migrates the tables first. ENVIRONMENT is development unless you set it.
    """
    for number in _STOP_SIGNALS:
        signal.signal(number, _stop_once)
    with exit_on_error("up"), suppress(KeyboardInterrupt):
        _run()
    say("Veritas has stopped.")


def _run() -> None:
    services = _services()
    for service in services:
        _require_free_port(service, services)
    with _postgres() as postgres:
        settings = ServiceSettings.load()
        say("Bringing the tables up to date.")
        _migrate(settings)
        with _started(services, settings):
            _wait_until_ready(services, postgres)
            _show_addresses(services, postgres)
            while True:
                _require_alive(services, postgres)
                time.sleep(0.2)


def _services() -> list[ServiceProcess]:
    loaded = {name: load() for name, load in SETTINGS.items()}
    services = [
        ServiceProcess(f"{name}_service", settings.host, getattr(settings, f"{name}_port"))
        for name, settings in loaded.items()
    ]
    return [*services, *_pages()]


def _pages() -> list[ServiceProcess]:
    """Return the pages, unless a setting is absent that they need in production."""
    settings = WebSettings.load(environment=_environment())
    try:
        require_usable(settings)
    except ConfigurationError as refusal:
        say(f"The pages do not start. {refusal}")
        return []
    return [ServiceProcess("veritas_web", settings.host, settings.web_port)]


def _environment() -> Environment:
    """Return the environment of the services: development, unless it is set."""
    settings = ServiceSettings.load()
    is_set = "environment" in settings.model_fields_set
    return settings.environment if is_set else Environment.DEVELOPMENT


def _require_free_port(service: ServiceProcess, services: Sequence[ServiceProcess]) -> None:
    for other in services:
        if other is not service and other.port == service.port:
            raise CommandFailure(
                f"{service.variable} and {other.variable} are both {service.port}."
            )
    try:
        is_free = port_is_free(service.host, service.port)
    except OSError as refusal:
        raise CommandFailure(
            f"{service.name} cannot listen on {service.host}, port {service.port}: "
            f"{refusal.strerror}. Set HOST and {service.variable} to what this machine allows."
        ) from refusal
    if not is_free:
        raise CommandFailure(
            f"Port {service.port}, where {service.name} should listen, is taken by "
            f"{holder_of(service.port) or 'another process'}. Stop that, or set "
            f"{service.variable} to a free port."
        )


@contextmanager
def _postgres() -> Iterator[LocalPostgres | None]:
    """Start a local PostgreSQL and set DATABASE_URL to it, unless a URL is set."""
    if ServiceSettings.load().as_admin().database_url is not None:
        yield None
        return
    services = [load() for load in SETTINGS.values()]
    own = [service.url_variable for service in services if service.database_url]
    if own:
        raise CommandFailure(
            f"{', '.join(own)} {'is' if len(own) == 1 else 'are'} set, but no DATABASE_ADMIN_URL "
            "or DATABASE_URL with which to bring the tables up to date. Set one of them, too."
        )
    port = LocalPostgresSettings.load().postgres_port
    server = LocalPostgres(Path.cwd() / POSTGRES_FOLDER, port=port, say=say)
    say("Starting PostgreSQL.")
    with server:
        os.environ["DATABASE_URL"] = server.url
        yield server


def _migrate(settings: ServiceSettings) -> None:
    owner = settings.as_admin()
    try:
        engine = connected_engine(owner, "up")
        refusal = migrate_all(engine, role_prefix=owner.database_role_prefix, logins=logins())
    except (DBAPIError, CommandError) as failure:
        reason = str(getattr(failure, "orig", failure)).strip().splitlines()[0]
        raise CommandFailure(f"The tables cannot be brought up to date: {reason}") from failure
    if refusal is not None:
        say(f"No roles were made, so the services share the login's rights: {refusal}")


@contextmanager
def _started(services: Sequence[ServiceProcess], settings: ServiceSettings) -> Iterator[None]:
    defaults = {"environment": "development", "log_format": "text"}
    [monitoring] = (each for each in services if each.name == "monitoring")
    defaults["monitoring_url"] = monitoring.address
    environment = {
        name.upper(): value
        for name, value in defaults.items()
        if name not in settings.model_fields_set
    }
    say("Starting the services.")
    try:
        # All forks before the first thread: a fork must not copy a lock that a thread holds.
        for service in services:
            service.start(environment)
        for service in services:
            service.follow(say_from)
        yield
    finally:
        _ignore_stop_signals()
        for service in services:
            service.ask_to_stop()
        for service in services:
            service.stop()


def _wait_until_ready(services: Sequence[ServiceProcess], postgres: LocalPostgres | None) -> None:
    deadline = time.monotonic() + READY_SECONDS
    waiting = list(services)
    while waiting:
        _require_alive(services, postgres)
        if time.monotonic() > deadline:
            names = ", ".join(service.name for service in waiting)
            raise CommandFailure(f"Not ready after {READY_SECONDS} seconds: {names}.")
        waiting = [service for service in waiting if not service.is_ready()]
        time.sleep(0.1)


def _require_alive(services: Sequence[ServiceProcess], postgres: LocalPostgres | None) -> None:
    for service in services:
        if service.exit_status is not None:
            raise CommandFailure(f"{service.name} {_ending(service.exit_status)}; all is stopped.")
    if postgres is not None and postgres.exit_status is not None:
        raise CommandFailure(
            f"PostgreSQL {_ending(postgres.exit_status)}: {postgres.folder.failure_line()}; "
            "all is stopped."
        )


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with exit status {status}"


def _show_addresses(services: Sequence[ServiceProcess], postgres: LocalPostgres | None) -> None:
    pages = [each for each in services if each.name == "web"]
    lines = ["", "Veritas is ready. Ctrl-C stops it."]
    lines += [f"  Open {each.address}" for each in pages]
    lines += [
        f"  {each.name:<14} {each.address}   {each.address}/docs"
        for each in services
        if each not in pages
    ]
    if postgres is not None:
        place = f"127.0.0.1:{postgres.port}, data and password in {postgres.folder.path}"
        lines.append(f"  {'PostgreSQL':<14} {place}")
    say("\n".join([*lines, ""]))


def _stop_once(_number: int, _frame: FrameType | None) -> None:
    # A second signal must not interrupt the shutdown.
    _ignore_stop_signals()
    raise KeyboardInterrupt


def _ignore_stop_signals() -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
