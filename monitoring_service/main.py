"""The app of this service: wiring only."""

from fastapi import FastAPI

from monitoring_service.database import MonitoringDatabase, monitoring_db
from monitoring_service.migrations import HISTORY
from monitoring_service.routes import events, logs
from monitoring_service.settings import Settings
from shared_web.app import Service, create_service_app

SERVICE = Service(
    name="monitoring",
    title="Veritas monitoring",
    description="Events of the systems themselves: judged as they come, kept and read back.",
    tags=[
        {"name": "events", "description": "What the systems report."},
        {"name": "logs", "description": "What they reported."},
    ],
    routers=[events.router, logs.router],
)


def create_app(
    manager: MonitoringDatabase = monitoring_db, settings: Settings | None = None
) -> FastAPI:
    """Return the app on the given manager, by default the one of the environment's database."""
    app = create_service_app(SERVICE, settings or Settings.load(), manager.database, HISTORY)
    app.state.manager = manager
    return app
