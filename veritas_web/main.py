"""App of the staff pages: wiring only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from shared_db.background_work.state import BackgroundWork
from shared_web.operations.error_reporting import reporting
from shared_web.operations.logging import RequestLog, configure_logging
from shared_web.operations.metrics.process import ProcessState
from shared_web.operations.metrics.service import ServiceMetrics
from shared_web.operations.periodic import running
from shared_web.operations.serve import tune_gc
from shared_web.operations.tracing.switch import Tracing
from shared_web.requests.body_limit import BodyLimit
from shared_web.routing import HeadRequests
from shared_web.wire.host import HostCheck
from veritas_web.dependencies import Parts
from veritas_web.digests.schedule import digest_periodics
from veritas_web.errors import PageError
from veritas_web.failures import failure_response
from veritas_web.headers import PageHeaders
from veritas_web.routes import (
    act_as,
    actions,
    classes,
    effects,
    language,
    more,
    pass_through,
    probes,
    sign_in,
    static,
    students,
    today,
)
from veritas_web.routes.imports import pages as imports
from veritas_web.routes.own import pages as own
from veritas_web.routes.rights import break_glass, erasure, keys, people, reads, roles
from veritas_web.routes.school import meeting
from veritas_web.routes.school import overview as school
from veritas_web.routes.system import incidents, overview
from veritas_web.routes.trust import freshness, quality
from veritas_web.services.all import Clients, Transports
from veritas_web.services.class_titles import ClassTitles
from veritas_web.services.followed import FollowedTalks
from veritas_web.services.late_data import LateData
from veritas_web.sessions.cookies import Cookies
from veritas_web.sessions.origin import RequestCheck
from veritas_web.sessions.people import People
from veritas_web.sessions.provider import Provider
from veritas_web.settings import Settings, require_usable

_ROUTERS = (
    today.router,
    classes.router,
    students.router,
    actions.router,
    effects.router,
    school.router,
    meeting.router,
    overview.router,
    incidents.router,
    more.router,
    people.router,
    roles.router,
    keys.router,
    reads.router,
    erasure.router,
    break_glass.router,
    own.router,
    freshness.router,
    quality.router,
    static.router,
    sign_in.router,
    act_as.router,
    language.router,
    imports.router,
    pass_through.router,
    probes.router,
)


def create_app(settings: Settings | None = None, transports: Transports | None = None) -> FastAPI:
    """Return the app; transports: ways to the services other than the network, by name."""
    chosen = settings or Settings.load()
    clients = Clients(chosen, transports)
    release = version("veritas")
    metrics, tracing = ServiceMetrics("web", release), Tracing.of(chosen, "web", release)
    background = BackgroundWork()
    metrics.use(ProcessState(metrics.registry, None, background, None, ()))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if chosen.workers > 1 or chosen.reload:
            # A worker process does not inherit the configuration of its parent.
            configure_logging(chosen, "web")
            tune_gc()
        app.state.prepare()
        try:
            with reporting(chosen, "web"):
                async with (
                    running(digest_periodics(chosen, clients), background),
                    metrics.shared(),
                    tracing.running(),
                ):
                    yield
        finally:
            await clients.close()

    app = FastAPI(
        title="Veritas pages",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry=tracing.telemetry,
    )
    app.state.settings = chosen
    app.state.clients = clients
    app.state.metrics = metrics
    app.state.parts = Parts(
        chosen,
        clients,
        Cookies(chosen),
        People(chosen, clients),
        Provider.of(chosen),
        ClassTitles(),
        LateData(),
        FollowedTalks(),
    )
    app.state.prepare = partial(require_usable, chosen)
    for router in _ROUTERS:
        app.include_router(router)
    for failure in (PageError, HTTPException, RequestValidationError):
        app.add_exception_handler(failure, failure_response)
    # The last one added is the outermost: every answer has an id, a log line and the headers.
    app.add_middleware(HeadRequests)
    app.add_middleware(BodyLimit, max_bytes=chosen.max_body_bytes)
    app.add_middleware(RequestCheck, settings=chosen)
    app.add_middleware(HostCheck)
    app.add_middleware(
        RequestLog,
        slow_seconds=chosen.slow_request_seconds,
        metrics=metrics.requests,
        mark=tracing.mark,
    )
    app.add_middleware(PageHeaders)
    return app
