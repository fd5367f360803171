"""The app of this service: wiring only."""

from fastapi import FastAPI

from dropout_service.database import SPOOLABLE_TYPES, DropoutDatabaseManager, db_manager
from dropout_service.migrations import HISTORY
from dropout_service.routes import (
    analytics,
    assessments,
    courses,
    events,
    features,
    feedback,
    models,
    predictions,
    students,
)
from dropout_service.settings import Settings
from shared_web.app import Service, create_service_app
from shared_web.operations.periodic import Periodic
from shared_web.operations.spool import SpoolConfig
from shared_web.requests.acknowledgement import Acknowledgement

SERVICE = Service(
    name="dropout",
    title="Veritas dropout",
    description="Learning events in, dropout predictions with reasons out.",
    tags=[
        {"name": "students", "description": "Of whom something was heard."},
        {"name": "events", "description": "What students did."},
        {"name": "assessments", "description": "Marks that staffstuddash does not have."},
        {"name": "courses", "description": "Who is enrolled where, and at what risk."},
        {"name": "features", "description": "What events and marks come to at an instant."},
        {"name": "predictions", "description": "Who is at risk, why, and what helps."},
        {"name": "models", "description": "What predicts: learned from which courses, how well."},
        {"name": "feedback", "description": "What people who know the students say of it."},
        {"name": "analytics", "description": "How the risks stand over all students."},
    ],
    routers=[
        events.router,
        students.router,
        courses.router,
        assessments.router,
        features.router,
        predictions.router,
        models.router,
        feedback.router,
        analytics.router,
    ],
)


def create_app(
    manager: DropoutDatabaseManager = db_manager, settings: Settings | None = None
) -> FastAPI:
    """Return the app on the given manager, by default the one of the environment's database."""
    chosen = settings or Settings.load()
    intake = Acknowledgement(manager.commits, chosen)
    periodics = [
        Periodic("erasing", chosen.erasing_seconds, manager.erase_deleted_students),
        Periodic("recomputing", chosen.recomputing_seconds, manager.recompute),
    ]
    periodics = [one for one in periodics if one.seconds]
    app = create_service_app(
        SERVICE,
        chosen,
        manager.database,
        HISTORY,
        periodics,
        intake,
        SpoolConfig(manager, SPOOLABLE_TYPES),
    )
    app.state.manager = manager
    return app
