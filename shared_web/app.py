"""The app factory: three services, one set of manners."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from shared_db.background_work.state import BackgroundWork
from shared_db.background_work.table import BackgroundRows
from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.provisioning.migrations import History, require_migrated
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import Authenticator
from shared_web.auth.key_limit import EXPOSED, RateLimitHeaders
from shared_web.auth.keys import KeyManager
from shared_web.auth.offline_keys import OfflineKeyCache
from shared_web.operations.error_reporting import reporting
from shared_web.operations.gc_tuning import tune_gc
from shared_web.operations.health import health_routes
from shared_web.operations.logging import RequestLog, configure_logging
from shared_web.operations.periodic import Periodic, doing
from shared_web.operations.spool import SpoolConfig, StorageHeader, attach_spool, replaying
from shared_web.problems import COMMON, Problem, documented, install_problem_handlers
from shared_web.query.strict_parameters import reject_unknown_parameters
from shared_web.requests.acknowledgement import Acknowledgement
from shared_web.requests.batches import BatchLimiter
from shared_web.requests.body_limit import BODY_REFUSALS, BodyLimit
from shared_web.requests.expensive_reads import ExpensiveReads
from shared_web.routing import API_PREFIX
from shared_web.settings import ServiceSettings


@dataclass(frozen=True)
class Service:
    """What distinguishes one service from its siblings.

    routers: in the order in which their routes are tried, and documented.
    """

    name: str
    title: str
    description: str
    tags: Sequence[dict[str, Any]]
    routers: Sequence[APIRouter]

    @cached_property
    def routes(self) -> Sequence[BaseRoute]:
        """The routers as an app has them, one for each.

        Once for all apps of the service: of what is included FastAPI looks over every route anew
        when it is first asked for, which is most of what making an app costs.
        """
        api = APIRouter(generate_unique_id_function=_operation_id)
        for router in self.routers:
            _require_admission(router)
            api.include_router(
                router,
                prefix=API_PREFIX,
                dependencies=[Depends(reject_unknown_parameters)],
                responses=documented(*COMMON),
            )
        return api.routes


def create_service_app(
    service: Service,
    settings: ServiceSettings,
    database: Database,
    history: History,
    periodics: Sequence[Periodic] = (),
    intake: Acknowledgement | None = None,
    spooling: SpoolConfig | None = None,
) -> FastAPI:
    """Return the service's app; its store is opened and checked when it starts.

    periodics: what the service does by itself while it runs. intake: of single events; what waits
    there is stored after the last request and before the process ends. spooling: what is accepted
    while the database is away.
    """
    keys = KeyManager(
        database,
        pepper=settings.key_pepper.get_secret_value(),
        cache_seconds=settings.key_cache_seconds,
    )
    access = Authenticator(settings, keys)
    background = BackgroundWork(BackgroundRows(database, history.schema).write)

    def prepare() -> None:
        if settings.workers > 1 and database.use_fallback:
            raise ConfigurationError(
                f"WORKERS={settings.workers} needs PostgreSQL: each process would have rows of its "
                "own in memory. Set DATABASE_URL, or WORKERS=1."
            )
        require_migrated(database, history)
        if spooling is not None:
            attach_spool(settings, database, service.name)
        if database.spool is not None:
            path = settings.spool_path / f"{service.name}-keys.db"
            keys.remember_on_disk(OfflineKeyCache(path, settings.key_outage_seconds))
        access.prepare(database)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if settings.workers > 1 or settings.reload:
            # A process that uvicorn started for a worker knows nothing of what its parent did.
            configure_logging(settings, service.name)
        await run_in_threadpool(prepare)
        if settings.workers > 1:
            tune_gc()
        with reporting(settings, service.name), replaying(database, spooling, background):
            async with doing(periodics, background):
                try:
                    yield
                finally:
                    if intake is not None:
                        await intake.drain()

    release = version("veritas")
    app = FastAPI(
        title=service.title,
        description=service.description,
        version=release,
        openapi_tags=[*service.tags, {"name": "health", "description": "For those who watch it."}],
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,  # `/students/` with an id forgotten must not become the list
        # It would tell paths, and so students' ids, to whatever gathers traces in this process.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        generate_unique_id_function=_operation_id,
    )
    app.state.access = access
    app.state.prepare = prepare
    app.state.intake = intake
    app.state.batches = BatchLimiter(settings.max_batch_bytes)
    app.state.expensive_reads = ExpensiveReads(settings.expensive_reads)
    install_problem_handlers(app)
    # Routes are tried one by one in this order, so what is asked for most comes first.
    first, *others = service.routes
    app.router.routes.append(first)
    app.include_router(health_routes(service.name, release, lambda: database, background))
    app.router.routes.extend(others)
    _install_middleware(app, settings, database)
    _document_problems(app)
    return app


def _require_admission(router: APIRouter) -> None:
    open_routes = [route for route in router.routes if not isinstance(route, AdmittedRoute)]
    if open_routes:
        raise TypeError(f"{open_routes[0]} is in a router without route_class=AdmittedRoute")


def _operation_id(route: APIRoute) -> str:
    return route.name


def _install_middleware(app: FastAPI, settings: ServiceSettings, database: Database) -> None:
    # The last one added is the outermost: every answer, also a refusal, gets its id and its line.
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(StorageHeader, database=database)
    if settings.rate_limit_requests:
        app.add_middleware(RateLimitHeaders)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
            expose_headers=[
                "X-Request-ID",
                "Idempotent-Replay",
                "Veritas-Storage",
                "Retry-After",
                *EXPOSED,
            ],
        )
    app.add_middleware(RequestLog, slow_seconds=settings.slow_request_seconds)


def _document_problems(app: FastAPI) -> None:
    generate = app.openapi

    def with_problem() -> dict[str, Any]:
        document = generate()
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(schema.pop("$defs"))
        schemas["Problem"] = schema
        _add_body_refusals(document)
        return document

    app.openapi = with_problem  # type: ignore[method-assign] # FastAPI's way to extend the document


def _add_body_refusals(document: dict[str, Any]) -> None:
    refusals = {str(status): response for status, response in documented(*BODY_REFUSALS).items()}
    for path in document["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["responses"].update(refusals)
