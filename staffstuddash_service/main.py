"""The app of this service: wiring only."""

from fastapi import FastAPI

from shared_web.app import Service, create_service_app
from staffstuddash_service.datastore import DatastoreManager, datastore
from staffstuddash_service.migrations import HISTORY
from staffstuddash_service.routes import assessments, dashboard, students
from staffstuddash_service.settings import Settings

SERVICE = Service(
    name="staffstuddash",
    title="Veritas staffstuddash",
    description="Students, their assessments and performance, and what a teacher sees first.",
    tags=[
        {"name": "students", "description": "The record of students."},
        {"name": "assessments", "description": "Marks as they come in."},
        {"name": "dashboard", "description": "Lists for teachers."},
    ],
    routers=[students.router, assessments.router, dashboard.router],
)


def create_app(manager: DatastoreManager = datastore, settings: Settings | None = None) -> FastAPI:
    """Return the app on the given manager, by default the one of the environment's database."""
    app = create_service_app(SERVICE, settings or Settings.load(), manager.database, HISTORY)
    app.state.manager = manager
    return app
