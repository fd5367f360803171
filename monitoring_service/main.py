"""The app of this service: wiring only."""

from fastapi import FastAPI

from monitoring_service.database import SPOOLABLE_TYPES, MonitoringDatabase, monitoring_db
from monitoring_service.migrations import HISTORY
from monitoring_service.routes import (
    analysis,
    events,
    health,
    incidents,
    logs,
    maintenance,
    otlp,
    rules,
)
from monitoring_service.settings import Settings
from shared_db.clock import utc_now
from shared_web.app import Service, create_service_app
from shared_web.operations.periodic import Periodic
from shared_web.operations.retention import retention_periodic
from shared_web.operations.spool import SpoolConfig
from shared_web.requests.acknowledgement import Acknowledgement

SERVICE = Service(
    name="monitoring",
    title="Veritas monitoring",
    description="Events of the systems themselves: judged as they come, kept and read back.",
    tags=[
        {"name": "events", "description": "What the systems report."},
        {"name": "logs", "description": "What they reported."},
        {"name": "systems", "description": "How they are, and who they are."},
        {
            "name": "incidents",
            "description": "Troubles of systems, each once, until they are over.",
        },
        {"name": "analysis", "description": "Events over time, and judged again."},
        {"name": "rules", "description": "The thresholds by which events are judged."},
        {"name": "maintenance", "description": "Old events deleted."},
    ],
    routers=[
        events.router,
        otlp.otlp_router("", is_documented=True),
        logs.router,
        health.router,
        incidents.router,
        analysis.router,
        rules.router,
        maintenance.router,
    ],
)

# Twice a minute, so that no minute is left out; the second run finds the row of the first.
SNAPSHOT_SECONDS = 30


def create_app(
    manager: MonitoringDatabase = monitoring_db, settings: Settings | None = None
) -> FastAPI:
    """Return the app on the given manager, by default the one of the environment's database."""
    settings = settings or Settings.load()
    manager.limits = settings.limits
    manager.events.kept_days = settings.retention_monitoring_days
    intake = Acknowledgement(manager.events.commits, settings)
    snapshots = Periodic("snapshots", SNAPSHOT_SECONDS, manager.health.record)
    retention = retention_periodic(manager.retention, settings)
    months = Periodic(
        "months",
        settings.monitoring_months_seconds,
        lambda: manager.months.prepare(utc_now().date()),
    )
    rollups = Periodic(
        "rollups",
        settings.monitoring_rollups_seconds,
        manager.rollups.run,
        manager.rollups.stop,
    )
    work = manager.incident_work
    grouping = Periodic("incidents", settings.monitoring_incidents_seconds, work.run, work.stop)
    periodics = [snapshots] if settings.monitoring_snapshots else []
    others = (grouping, months, rollups, retention)
    periodics += [periodic for periodic in others if periodic.seconds]
    app = create_service_app(
        SERVICE,
        settings,
        manager.database,
        HISTORY,
        periodics,
        intake,
        SpoolConfig(manager, SPOOLABLE_TYPES),
    )
    app.state.manager = manager
    # The paths of the standard, for exporters that know no prefix.
    app.include_router(otlp.otlp_router("/v1", is_documented=False))
    return app
