"""School with a student for each relation to a person, and persons of each role."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from httpx2 import Response
from sqlalchemy import Connection, Engine, text
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.settings import Fallback
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission, Scope
from tests.support.databases import service_database
from tests.support.factories import a_draft, days
from tests.support.rosters import today
from tests.support.services import PARTS

API = "/api/v1"
# Relations of a student to the staff of each role; each names one student. All of them are stored
# but `absent`. `self` is the student who signs in.
OWN_CLASS, OTHER_CLASS, FORMER_CLASS = "s-own-class", "s-other-class", "s-former-class"
FORMER_TEACHING, COMING_CLASS, SELF = "s-former-teaching", "s-coming-class", "s-self"
ADVISED, FORMERLY_ADVISED, NOBODYS = "s-advised", "s-formerly-advised", "s-nobodys"
ABSENT = "s-absent"
STORED = (
    OWN_CLASS,
    OTHER_CLASS,
    FORMER_CLASS,
    FORMER_TEACHING,
    COMING_CLASS,
    SELF,
    ADVISED,
    FORMERLY_ADVISED,
    NOBODYS,
)
# Former ids of merged students, with the present ones.
FORMER_IDS = {"s-old-own": OWN_CLASS, "s-old-nobodys": NOBODYS, "s-old-self": SELF}

# Students of all enrolments in each class: ended ones, those that hold, and those to come.
ENROLLED = {
    "c-own": frozenset({OWN_CLASS, FORMER_CLASS, COMING_CLASS}),
    "c-other": frozenset({OTHER_CLASS, SELF, FORMER_CLASS}),
    "c-former": frozenset({FORMER_TEACHING}),
}

# All staff teach c-own and once taught c-former; nobody of them has to do with c-other.
STAFF = ("admin", "principal", "advisor", "teacher", "deputy")
ROLES = (*STAFF, "student")
LOGINS = {**{role: role for role in STAFF}, "student": SELF}
OF_STAFF = frozenset({OWN_CLASS, ADVISED})
# The definition: all students, or those whom the person teaches, advises or is, today.
SEEN: Mapping[str, frozenset[str]] = {
    "admin": frozenset(STORED),
    "principal": frozenset(STORED),
    "advisor": OF_STAFF,
    "teacher": OF_STAFF,
    "deputy": OF_STAFF,
    "student": frozenset({SELF}),
}
SEES_ALL = frozenset({"admin", "principal"})
_FEW = (OWN_CLASS, ADVISED, OTHER_CLASS, FORMER_CLASS, "s-old-own", "s-old-nobodys")
# Students about whom a person of a role asks: all, or some where the limit has no more cases.
ASKED: Mapping[str, tuple[str, ...]] = {
    "admin": (OWN_CLASS, NOBODYS, "s-old-nobodys"),
    "principal": (OWN_CLASS, NOBODYS, "s-old-nobodys"),
    "advisor": _FEW,
    "teacher": (*STORED, *FORMER_IDS),
    "deputy": _FEW,
    "student": (*STORED, *FORMER_IDS),
}


@dataclass
class World:
    """The three services on one connection, with keys of a page and of a system."""

    connection: Connection
    clients: dict[str, TestClient]
    page: str
    system: str
    staffstuddash: Any = field(repr=False)
    dropout: Any = field(repr=False)

    def headers(self, role: str | None) -> dict[str, str]:
        """Return the headers of a person's request through the page; of the system without role."""
        if role is None:
            return {"Authorization": f"Bearer {self.system}"}
        return {"Authorization": f"Bearer {self.page}", "Veritas-On-Behalf-Of": LOGINS[role]}

    def send(
        self, service: str, role: str | None, method: str, path: str, **request: Any
    ) -> Response:
        """Send a request; content that is text is a table."""
        headers = {**self.headers(role), **request.pop("headers", {})}
        if isinstance(request.get("content"), str):
            headers["Content-Type"] = "text/csv"
        client = self.clients[service]
        return client.request(
            method, f"{API}{path}", headers=headers, follow_redirects=False, **request
        )

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Check what the block left for the commit, and take all of its changes back."""
        with self.connection.begin_nested() as savepoint:
            yield
            self.connection.exec_driver_sql("SET LOCAL ROLE none")
            self.connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            savepoint.rollback()

    def rows(self) -> dict[str, str]:
        """Return a digest of the rows of each table of the school."""
        self.connection.exec_driver_sql("SET LOCAL ROLE none")
        found = self.connection.execute(text(self._digests)).all()
        return {table: digest for table, digest in found if digest is not None}

    def __post_init__(self) -> None:
        tables = self.connection.scalars(_TABLES).all()
        one = "SELECT '{0}', md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {0} t"
        self._digests = " UNION ALL ".join(one.format(table) for table in tables)


# Background work and the uses of keys belong to no request.
_TABLES = text(
    "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname IN ('staffstuddash', 'dropout', 'monitoring', 'access')"
    " AND c.relname NOT IN ('background_work', 'alembic_version', 'key_uses') ORDER BY 1"
)
_SETTINGS: dict[str, Any] = {
    "fallback": Fallback.OFF,
    "records_refresh_seconds": 0,
    "imports_seconds": 0,
    "erasing_seconds": 0,
    "recomputing_seconds": 0,
    "model_weeks_seconds": 0,
    "retention_seconds": 0,
    "audit_moving_seconds": 0,
    "monitoring_incidents_seconds": 0,
    "monitoring_snapshots": False,
    "monitoring_months_seconds": 0,
    "monitoring_rollups_seconds": 0,
}


@contextmanager
def open_world(engine: Engine) -> Iterator[World]:
    """Give the filled school, rolled back at the end."""
    with engine.connect() as connection, connection.begin() as transaction:
        with ExitStack() as stack:
            yield _opened(connection, stack)
        transaction.rollback()


def _opened(connection: Connection, stack: ExitStack) -> World:
    keys = KeyManager(Database.for_bind(connection, role="none"))
    page = keys.add_key("page", [Permission.ACT_AS])
    system = keys.add_key("system", [Scope.ADMIN, Permission.ACT_AS])
    managers, clients = {}, {}
    for service, parts in PARTS.items():
        managers[service] = parts.manager(service_database(connection, parts.metadata))
        known = {k: v for k, v in _SETTINGS.items() if k in parts.settings.model_fields}
        app = parts.create_app(managers[service], parts.settings(**known))
        clients[service] = stack.enter_context(TestClient(app))
    world = World(connection, clients, page, system, managers["staffstuddash"], managers["dropout"])
    _Filling(world).fill()
    connection.exec_driver_sql("SET LOCAL ROLE none")
    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    return world


class _Filling:
    """Rows of the school, stored through the API by a system with all permissions."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _send(self, service: str, method: str, path: str, body: Any = None) -> Any:
        answer = self._world.send(service, None, method, path, json=body)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json()

    def _put(self, path: str, body: Any = None) -> None:
        self._send("staffstuddash", "PUT", path, body or {})

    def fill(self) -> None:
        """Store the school."""
        self._school()
        for id_ in (*STORED, *FORMER_IDS):
            self._student(id_)
            self._results(id_)
        self._relations()
        for old, new in FORMER_IDS.items():
            self._send("staffstuddash", "POST", f"/students/{old}/merge", {"into": new})
        assert self._world.dropout.merging.follow() == len(FORMER_IDS)

    def _school(self) -> None:
        self._put("/organisations/school", {"name": "Lovelace School"})
        term = {"title": "Year", "type": "school_year"}
        self._put("/terms/year", {**term, "starts_on": str(today(-90)), "ends_on": str(today(200))})
        self._put("/courses/math", {"title": "Mathematics", "subjects": ["Math"]})
        for class_ in ("c-own", "c-other", "c-former", "c-empty"):
            self._put(f"/classes/{class_}", {"title": class_, "term_ids": ["year"]})
        for person in (*STAFF, "t-other"):
            self._put(f"/people/{person}", {"name": f"Person {person}", "role": "teacher"})
        everything = sorted(set(Permission) - {Permission.ACT_AS})
        self._put("/roles/deputy", {"permissions": everything})
        for person in ("admin", "principal", "advisor", "deputy"):
            self._put(f"/people/{person}/access", {"role": person})
        self._put("/roles/spare", {"permissions": ["roster.read"]})
        self._send("staffstuddash", "POST", "/keys", {"name": "spare", "scopes": ["read"]})
        limits = {"thresholds": {"latency": {"warning": 1, "critical": 2}}}
        self._send("monitoring", "PUT", "/monitoring/rules/catalogue", limits)
        concept = {"id": "fractions", "concept": "fractions", "subject": "Math", "difficulty": 2}
        self._send("staffstuddash", "POST", "/concepts", concept)
        event = {"event_id": "fault", "source": "catalogue", "event_type": "request"}
        self._send("monitoring", "POST", "/monitoring/events", event)

    def _student(self, id_: str) -> None:
        self._send("staffstuddash", "POST", "/students", {"id": id_, "name": f"Student {id_}"})
        for number, score in enumerate((60, 70)):
            mark = {"student_id": id_, "type": "quiz", "subject": "Math", "topic": "fractions"}
            mark |= {"id": f"mark-{number}-{id_}"}
            mark |= {"timestamp": (utc_now() - days(9 - number)).isoformat()}
            self._send("staffstuddash", "POST", "/assessments", {**mark, "score": score})
        self._send("staffstuddash", "POST", f"/students/{id_}/drafts", a_draft(id=f"draft-{id_}"))
        # A client cannot choose the id.
        word, note = "talk.with-student", {"note": id_}
        actions = self._world.staffstuddash.actions
        actions.add(id_, "system", word, data=note, action_id=f"action-{id_}")
        guardian = {"items": [{"id": f"guardian-{id_}", "name": "Anne Byron"}]}
        self._put(f"/students/{id_}/guardians", guardian)
        account = {"system": "moodle", "kind": "account", "value": f"account-{id_}"}
        self._put(f"/students/{id_}/identifiers", {"items": [account]})
        self._put(f"/students/{id_}/demographics", {"sex": "f"})

    def _results(self, id_: str) -> None:
        for number in range(3):
            at = (utc_now() - days(8 - 3 * number)).isoformat()
            event = {"id": f"event-{number}-{id_}", "student_id": id_, "occurred_at": at}
            event |= {"event_type": "QUESTION_SUBMIT", "question_id": "q1", "course": "c-own"}
            self._send("dropout", "POST", "/events", event)
        mark = {"id": f"mark-0-{id_}", "student_id": id_, "type": "quiz", "subject": "Math"}
        self._send("dropout", "POST", "/assessments", {**mark, "score": 50})
        change = {"score": 55, "reason": "typing error"}
        self._send("dropout", "PATCH", f"/assessments/mark-0-{id_}", change)
        self._send("dropout", "POST", f"/students/{id_}/features", {"id": f"features-{id_}"})
        self._send("dropout", "POST", f"/students/{id_}/predictions", {"id": f"prediction-{id_}"})
        feedback = {"id": f"feedback-{id_}", "verdict": "accepted"}
        self._send("dropout", "POST", f"/predictions/prediction-{id_}/feedback", feedback)

    def _relations(self) -> None:
        ended = {"valid_from": str(today(-30)), "valid_to": str(today())}
        for class_, id_ in (("c-own", OWN_CLASS), ("c-other", OTHER_CLASS), ("c-other", SELF)):
            self._put(f"/classes/{class_}/students/{id_}")
        self._put(f"/classes/c-other/students/{FORMER_CLASS}")
        self._put(f"/classes/c-own/students/{FORMER_CLASS}", ended)
        self._put(f"/classes/c-own/students/{COMING_CLASS}", {"valid_from": str(today(1))})
        self._put(f"/classes/c-former/students/{FORMER_TEACHING}")
        self._put("/classes/c-other/staff/t-other")
        for person in STAFF:
            self._put(f"/classes/c-own/staff/{person}")
            self._put(f"/classes/c-former/staff/{person}", ended)
            self._put(f"/people/{person}/students/{ADVISED}")
            self._put(f"/people/{person}/students/{FORMERLY_ADVISED}", ended)
