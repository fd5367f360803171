"""App of this service: wiring only."""

from fastapi import FastAPI

from dropout_service.database import SPOOLABLE_TYPES, DropoutDatabaseManager, db_manager
from dropout_service.database.model_quality.health_check import ModelQualityCheck
from dropout_service.metrics import own_metrics
from dropout_service.migrations import HISTORY
from dropout_service.models import Base
from dropout_service.routes import (
    analytics,
    assessments,
    events,
    features,
    feedback,
    models,
    predictions,
    reads,
    students,
)
from dropout_service.routes.courses import changes, listing, of_students
from dropout_service.settings import Settings
from shared_web.app import Service, create_service_app
from shared_web.operations.periodic import Periodic
from shared_web.operations.retention import retention_periodic
from shared_web.operations.spool import SpoolConfig
from shared_web.requests.acknowledgement import Acknowledgement

SERVICE = Service(
    name="dropout",
    title="Veritas dropout",
    description="Learning events in, dropout predictions with reasons out.",
    tags=[
        {"name": "students", "description": "Students with any data here."},
        {"name": "events", "description": "Learning events."},
        {"name": "assessments", "description": "Marks that are not in staffstuddash."},
        {"name": "courses", "description": "Courses, with the risks of their students."},
        {"name": "features", "description": "Features of events and marks at an instant."},
        {"name": "predictions", "description": "Risks with reasons and recommendations."},
        {"name": "models", "description": "Learned models: training courses and metrics."},
        {"name": "feedback", "description": "Verdicts of staff on predictions."},
        {"name": "analytics", "description": "Risks over all students."},
        {"name": "audit", "description": "Requests that showed data of a student."},
    ],
    routers=[
        events.router,
        students.router,
        listing.router,
        changes.router,
        of_students.router,
        assessments.router,
        features.router,
        predictions.router,
        models.router,
        feedback.router,
        analytics.router,
        reads.router,
    ],
)


def create_app(
    manager: DropoutDatabaseManager = db_manager, settings: Settings | None = None
) -> FastAPI:
    """Return the app on the given manager, by default on the database of the environment."""
    chosen = settings or Settings.load()
    intake = Acknowledgement(manager.events.commits, chosen)
    periodics = [
        Periodic("merging", chosen.erasing_seconds, manager.merging.follow),
        Periodic("erasing", chosen.erasing_seconds, manager.students.erase_deleted),
        Periodic("statistics", chosen.erasing_seconds, manager.statistics.refresh_due),
        Periodic("recomputing", chosen.recomputing_seconds, manager.recomputing.run),
        Periodic("model-weeks", chosen.model_weeks_seconds, manager.model_weeks.refresh),
        retention_periodic(manager.retention, chosen),
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
        audited=Base.metadata,
        own_checks=ModelQualityCheck(manager.model_weeks).checks,
        own_metrics=own_metrics(manager),
    )
    manager.draws.lottery = chosen.lottery
    app.state.manager = manager
    return app
