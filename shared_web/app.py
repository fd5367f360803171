"""App factory with the conventions of all services: keys, problems, limits, health, logs."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from sqlalchemy import MetaData
from starlette.routing import BaseRoute

from shared_db.background_work.state import BackgroundWork
from shared_db.background_work.table import BackgroundRows
from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.provisioning.migrations import History, require_migrated
from shared_db.spool.access import SpoolAccess
from shared_web.audit.recording import PURPOSE, ReadAudit
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.cors import EXPOSED_HEADERS, ProblemCORS
from shared_web.auth.dependencies import Authenticator
from shared_web.auth.key_limit import RateLimitHeaders
from shared_web.auth.key_uses import KeyUses, storing
from shared_web.auth.keys import KeyManager
from shared_web.auth.offline_keys import OfflineKeyCache, remove_key_file
from shared_web.auth.persons import PersonLookup
from shared_web.auth.roles import RoleManager
from shared_web.auth.tokens.logins import ON_BEHALF_OF
from shared_web.operations import me
from shared_web.operations.auditing import audit_periodics, auditing
from shared_web.operations.docs_page import docs_routes
from shared_web.operations.error_reporting import reporting
from shared_web.operations.health import Checks, health_routes
from shared_web.operations.logging import RequestLog, configure_logging
from shared_web.operations.metrics.process import ProcessState
from shared_web.operations.metrics.routes import metrics_routes
from shared_web.operations.metrics.service import OwnMetrics, ServiceMetrics
from shared_web.operations.metrics.spool import spool_metrics
from shared_web.operations.periodic import Periodic, running
from shared_web.operations.problem_schemas import document_problems
from shared_web.operations.serve import tune_gc
from shared_web.operations.spool import (
    STORAGE_HEADER,
    SpoolConfig,
    StorageHeader,
    attach_spool,
    replaying,
)
from shared_web.operations.tracing.switch import Tracing
from shared_web.problems import COMMON, documented, install_problem_handlers
from shared_web.requests.acknowledgement import Acknowledgement
from shared_web.requests.batches import BatchLimiter
from shared_web.requests.body_limit import BodyLimit
from shared_web.requests.expensive_reads import ExpensiveReads
from shared_web.requests.json_bodies import JSON_THREADS
from shared_web.routing import API_PREFIX, HeadRequests
from shared_web.settings import ServiceSettings
from shared_web.shared_cache import SharedCache, closing
from shared_web.threads import ReservedThreads, start_request_threads
from shared_web.whole_school.kept_answers import KeptAnswers
from shared_web.whole_school.shared_answers import SharedAnswers
from shared_web.wire.compression import Compression
from shared_web.wire.host import HostCheck
from shared_web.wire.private_answers import PrivateAnswers


@dataclass(frozen=True)
class Service:
    """Properties in which a service differs from the others.

    routers: in the order in which their routes are matched and documented.
    """

    name: str
    title: str
    description: str
    tags: Sequence[dict[str, Any]]
    routers: Sequence[APIRouter]

    @cached_property
    def routes(self) -> Sequence[BaseRoute]:
        """Routes of an app, one for each router.

        All apps of the service share them: FastAPI inspects every included route at its first
        request, which is most of the cost of an app.
        """
        api = APIRouter(generate_unique_id_function=_operation_id)
        for router in (*self.routers, me.router):
            _require_admission(router)
            api.include_router(router, prefix=API_PREFIX, responses=documented(*COMMON))
        return api.routes


def create_service_app(
    service: Service,
    settings: ServiceSettings,
    database: Database,
    history: History,
    periodics: Sequence[Periodic] = (),
    intake: Acknowledgement | None = None,
    spool_config: SpoolConfig | None = None,
    audited: MetaData | None = None,
    own_checks: Callable[[], Checks] | None = None,
    own_metrics: OwnMetrics = OwnMetrics(),  # noqa: B008 - it is frozen
) -> FastAPI:
    """Return the app of the service; its database is opened and checked at the start.

    periodics: tasks that the service repeats while it runs. intake: acknowledgement of single
    events; queued ones are stored after the last request and before the process ends.
    spool_config: additions that are accepted while the database is unavailable.
    audited: tables of a service with rows of students, whose reads are recorded.
    own_checks: checks of this service in `/health`. own_metrics: those of it in `/metrics`.
    """
    keys = KeyManager(
        database,
        pepper=settings.key_pepper.get_secret_value(),
        cache_seconds=settings.key_cache_seconds,
    )
    uses = KeyUses(database, service.name)
    roles = RoleManager(database, settings.key_cache_seconds)
    persons = PersonLookup(
        database,
        roles.find,
        cache_seconds=settings.key_cache_seconds,
        outage_seconds=settings.key_outage_seconds,
    )
    cache = SharedCache.of(settings, service.name)
    authenticator = Authenticator(settings, keys, uses, roles, persons, cache)
    spool = spool_config.manager.spool if spool_config is not None else SpoolAccess()
    audit = ReadAudit(settings, service.name, database, audited) if audited is not None else None
    background = BackgroundWork(BackgroundRows(database, history.schema).write)
    release = version("veritas")
    tracing = Tracing.of(settings, service.name, release)
    metrics = ServiceMetrics(service.name, release)
    queue = intake.queue if intake is not None else None
    metrics.use(ProcessState(metrics.registry, database, background, queue, own_metrics.counts))
    metrics.measures += [partial(spool_metrics, spool), *own_metrics.measures]

    def prepare() -> None:
        if settings.workers > 1 and database.use_fallback:
            raise ConfigurationError(
                f"WORKERS={settings.workers} needs PostgreSQL: each process would have rows of its "
                "own in memory. Set DATABASE_URL, or WORKERS=1."
            )
        require_migrated(database, history)
        if spool_config is not None:
            attach_spool(settings, spool_config.manager, service.name)
        if spool.spool is not None:
            keys.use_offline_cache(OfflineKeyCache(spool.spool, settings.key_outage_seconds))
            remove_key_file(settings.spool_path, service.name)
        authenticator.prepare(database)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if settings.workers > 1 or settings.reload:
            # A worker process does not inherit the configuration of its parent.
            configure_logging(settings, service.name)
        await _start(prepare, settings)
        if settings.workers > 1:
            tune_gc()
        with reporting(settings, service.name), replaying(spool_config, background):
            async with (
                running(
                    [*periodics, *audit_periodics(audit, settings.audit_moving_seconds)], background
                ),
                storing(uses),
                auditing(audit),
                closing(cache),
                metrics.shared(),
                tracing.running(database),
            ):
                try:
                    yield
                finally:
                    if intake is not None:
                        await intake.drain()

    app = FastAPI(
        title=service.title,
        description=service.description,
        version=release,
        openapi_tags=[*service.tags, me.TAG, {"name": "health", "description": "Probes."}],
        lifespan=lifespan,
        docs_url=None,  # FastAPI's page loads its scripts from another server
        redoc_url=None,
        redirect_slashes=False,  # `/students/` without the id must not become the list
        telemetry=tracing.telemetry,
        generate_unique_id_function=_operation_id,
    )
    app.state.authenticator = authenticator
    app.state.prepare = prepare
    app.state.intake = intake
    app.state.read_audit = audit
    _limit_work(app, settings, cache)
    install_problem_handlers(app, spool)
    _add_routes(
        app,
        service,
        health_routes(service.name, release, database, spool, background, audit, own_checks),
        docs_routes(service.title),
        metrics_routes(metrics, settings),
    )
    _install_middleware(
        app, settings, database, partial(RequestLog, metrics=metrics.requests, mark=tracing.mark)
    )
    document_problems(app)
    return app


async def _start(prepare: Callable[[], None], settings: ServiceSettings) -> None:
    start_request_threads(settings.request_threads)
    # More threads than connections would only wait for these.
    current_default_thread_limiter().total_tokens = settings.pool_size
    await run_in_threadpool(prepare)


def _add_routes(app: FastAPI, service: Service, health: APIRouter, *others: APIRouter) -> None:
    # Routes are matched in this order, so the most frequent ones come first.
    first, *following = service.routes
    app.router.routes.append(first)
    app.include_router(health)
    app.router.routes.extend(following)
    for router in others:
        app.include_router(router)


def _limit_work(app: FastAPI, settings: ServiceSettings, cache: SharedCache | None) -> None:
    app.state.batches = BatchLimiter(settings.max_batch_bytes)
    app.state.json_threads = ReservedThreads(JSON_THREADS)
    app.state.expensive_reads = ExpensiveReads(settings.expensive_reads)
    app.state.kept_answers = KeptAnswers(settings.cache_seconds)
    app.state.shared_answers = SharedAnswers(cache, settings.cache_seconds) if cache else None


def _require_admission(router: APIRouter) -> None:
    open_routes = [route for route in router.routes if not isinstance(route, AdmittedRoute)]
    if open_routes:
        raise TypeError(f"{open_routes[0]} is in a router without route_class=AdmittedRoute")


def _operation_id(route: APIRoute) -> str:
    return route.name


def _install_middleware(
    app: FastAPI, settings: ServiceSettings, database: Database, log: Callable[..., RequestLog]
) -> None:
    # The last one added is the outermost. Every answer, even a refusal, is private, and has an id
    # and a log line.
    app.add_middleware(Compression)
    app.add_middleware(HeadRequests)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(StorageHeader, database=database)
    if settings.rate_limit_requests:
        app.add_middleware(RateLimitHeaders)
    if settings.cors_origins:
        app.add_middleware(
            ProblemCORS,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-None-Match",
                ON_BEHALF_OF,
                PURPOSE,
                "X-Request-ID",
            ],
            expose_headers=[*EXPOSED_HEADERS, STORAGE_HEADER],
        )
    app.add_middleware(HostCheck)
    app.add_middleware(log, slow_seconds=settings.slow_request_seconds)
    app.add_middleware(PrivateAnswers)
