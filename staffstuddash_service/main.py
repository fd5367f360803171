"""App of staffstuddash: wiring only."""

from fastapi import FastAPI

from shared_web.app import Service, create_service_app
from shared_web.operations.mailing import mail_periodic
from shared_web.operations.periodic import Periodic
from shared_web.operations.retention import retention_periodic
from shared_web.operations.spool import SpoolConfig
from staffstuddash_service.datastore import SPOOLABLE_TYPES, DatastoreManager, datastore
from staffstuddash_service.importing.jobs import run_imports
from staffstuddash_service.migrations import HISTORY
from staffstuddash_service.models import Base
from staffstuddash_service.routes import (
    actions,
    analytics,
    assessments,
    concepts,
    dashboard,
    drafts,
    holds,
    performance,
    reads,
    restrictions,
    students,
    tables,
)
from staffstuddash_service.routes.access import (
    break_glass,
    digests,
    keys,
    person_access,
    roles,
    sign_ins,
)
from staffstuddash_service.routes.incoming import freshness, import_jobs
from staffstuddash_service.routes.roster import (
    advising,
    class_members,
    classes,
    courses,
    leavers,
    of_students,
    organisations,
    people,
    terms,
)
from staffstuddash_service.settings import Settings

SERVICE = Service(
    name="staffstuddash",
    title="Veritas staffstuddash",
    description="Students, their work and performance, and dashboards for staff.",
    tags=[
        {"name": "students", "description": "Students of the school."},
        {"name": "assessments", "description": "Assessed work of students."},
        {"name": "drafts", "description": "Versions of texts: hints for a talk, no verdicts."},
        {"name": "performance", "description": "Summaries of assessments and drafts."},
        {"name": "actions", "description": "Actions about students."},
        {"name": "concepts", "description": "Topics that are taught."},
        {"name": "roster", "description": "Classes, staff, and their students over time."},
        {"name": "dashboard", "description": "Overviews for staff."},
        {"name": "audit", "description": "Requests that showed data of a student."},
        {"name": "access", "description": "Keys of systems, and roles of persons."},
    ],
    routers=[
        students.router,
        holds.router,
        restrictions.router,
        tables.router,
        assessments.router,
        drafts.router,
        reads.router,
        performance.router,
        actions.router,
        analytics.router,
        concepts.router,
        dashboard.router,
        freshness.router,
        import_jobs.router,
        organisations.router,
        terms.router,
        courses.router,
        classes.router,
        people.router,
        person_access.router,
        sign_ins.router,
        digests.router,
        class_members.router,
        advising.router,
        of_students.router,
        leavers.router,
        break_glass.router,
        keys.router,
        roles.router,
    ],
)


def create_app(manager: DatastoreManager = datastore, settings: Settings | None = None) -> FastAPI:
    """Return the app on the given manager, by default the one of the environment's database."""
    chosen = settings or Settings.load()
    refresh = Periodic(
        "refreshing",
        chosen.records_refresh_seconds,
        manager.performance.refresh_due,
    )
    if chosen.erasure_log is not None:
        manager.tombstones.use_log(chosen.erasure_log)

    def purge_erased() -> int:
        manager.tombstones.record()
        return manager.students.purge_erased()

    purge = Periodic("erasing", chosen.erasing_seconds, purge_erased)
    statistics = Periodic("statistics", chosen.erasing_seconds, manager.statistics.refresh_due)
    retention = retention_periodic(manager.retention, chosen)
    manager.break_glass.recipients = chosen.break_glass_mail
    manager.digests.is_on = chosen.mail_server is not None
    manager.digests.left_out = chosen.digest_leave_out
    mails = mail_periodic(manager.mails, chosen.mail_server)
    imports = Periodic("imports", chosen.imports_seconds, lambda: run_imports(manager), waits=True)
    works = (refresh, purge, statistics, retention, mails, imports)
    periodics = [periodic for periodic in works if periodic.seconds]
    app = create_service_app(
        SERVICE,
        chosen,
        manager.database,
        HISTORY,
        periodics,
        spool_config=SpoolConfig(manager, SPOOLABLE_TYPES),
        audited=Base.metadata,
    )
    app.state.manager = manager
    app.state.notices = manager.break_glass.count_unacknowledged
    app.state.identify = manager.sign_ins.identify
    return app
