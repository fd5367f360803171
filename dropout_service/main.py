"""The app of this service: wiring only."""

from fastapi import FastAPI

from dropout_service.database import DropoutDatabaseManager, db_manager
from dropout_service.migrations import HISTORY
from dropout_service.routes import events, predictions
from dropout_service.settings import Settings
from shared_web.app import Service, create_service_app

SERVICE = Service(
    name="dropout",
    title="Veritas dropout",
    description="Learning events in, dropout predictions with reasons out.",
    tags=[
        {"name": "events", "description": "What students did."},
        {"name": "predictions", "description": "Who is at risk, why, and what helps."},
    ],
    routers=[events.router, predictions.router],
)


def create_app(
    manager: DropoutDatabaseManager = db_manager, settings: Settings | None = None
) -> FastAPI:
    """Return the app on the given manager, by default the one of the environment's database."""
    app = create_service_app(SERVICE, settings or Settings.load(), manager.database, HISTORY)
    app.state.manager = manager
    return app
