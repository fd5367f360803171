"""Performance records: correct under parallel writers, and refreshed as time passes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, inspect, text, update

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import (
    AssessmentToStore,
    DatastoreManager,
    StudentToStore,
)
from staffstuddash_service.datastore.performance import recompute
from staffstuddash_service.domain.sort_orders import Order
from staffstuddash_service.models import AssessmentLog, Base, PerformanceRecord
from tests.support.databases import OpenDatabase, engine_on
from tests.support.factories import days

WRITERS = 8


@pytest.fixture
def own(open_own_database: OpenDatabase) -> DatastoreManager:
    """Give a manager that several threads may use at once."""
    return DatastoreManager(open_own_database(Base.metadata))


def values(record: PerformanceRecord) -> dict[str, Any]:
    """Return the record's values, without the instant of the update."""
    columns = inspect(PerformanceRecord).columns.keys()
    return {name: getattr(record, name) for name in columns if name != "updated_at"}


def test_the_design_documents_example(datastore: DatastoreManager) -> None:
    student = datastore.add_student("s001", "Name", "email")
    assert student.id == "s001"
    assessment = datastore.add_assessment("s001", "exam", "Math", 85)
    assert assessment.score == 85
    draft = datastore.add_draft("s001", "essay", "One two three.")
    assert draft.version == 1
    record = datastore.get_performance_record("s001")
    assert record is not None
    assert (record.assessment_count, record.draft_count) == (1, 1)


def test_records_are_correct_after_parallel_writers(own: DatastoreManager) -> None:
    """The stored record equals a recomputation, in any order of the writers."""
    now = utc_now()
    students = [f"s{number}" for number in range(4)]
    own.students.add_many([StudentToStore("Pupil", id=id_) for id_ in students])

    def write(number: int) -> None:
        student_id, moment = students[number % 4], now - days(90 - number)
        match number % 3:
            case 0:
                own.add_draft(student_id, "essay", "word " * (number + 1), timestamp=moment)
            case 1:
                score = (number * 37) % 100
                own.add_assessment(student_id, "quiz", "Math", score, timestamp=moment)
            case _:
                own.assessments.add_many(
                    [
                        AssessmentToStore(id_, "quiz", "Art", 60, topic="light", timestamp=moment)
                        for id_ in (student_id, "s0", "s3")
                    ]
                )

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(48)))

    stored = {id_: values(own.get_performance_record(id_)) for id_ in students}
    standings = {id_: _standings(own, id_) for id_ in students}
    with own.database.unit_of_work() as session:
        recompute(session, students, now)
    assert {id_: values(own.get_performance_record(id_)) for id_ in students} == stored
    assert {id_: _standings(own, id_) for id_ in students} == standings
    assert sum(record["assessment_count"] for record in stored.values()) == 16 + 16 * 3
    for id_ in students:
        versions = [draft.version for draft in own.drafts.search_by_student(id_).items]
        assert sorted(versions) == list(range(1, len(versions) + 1))


def _standings(own: DatastoreManager, student_id: str) -> list[tuple[object, ...]]:
    concepts = own.student_dashboard.get(student_id).concepts
    return [(c.concept, c.assessment_count, c.learning_state, c.mean_percentage) for c in concepts]


def test_one_draft_sent_in_parallel_is_one_version(own: DatastoreManager) -> None:
    own.add_student("s001", "Ada")

    with ThreadPoolExecutor(WRITERS) as pool:
        drafts = list(
            pool.map(lambda _: own.add_draft("s001", "essay", "One.", draft_id="d1"), range(16))
        )

    assert [draft.is_replay for draft in drafts].count(False) == 1
    assert own.get_performance_record("s001").draft_count == 1


def fall(datastore: DatastoreManager, now: datetime) -> None:
    """Insert a student with a setback ten days ago."""
    datastore.add_student("s001", "Ada")
    for score, ago in ((80, 12), (80, 11), (60, 10)):
        datastore.add_assessment("s001", "quiz", "Math", score, timestamp=now - days(ago))


def test_a_record_is_refreshed_once_it_is_due(datastore: DatastoreManager) -> None:
    now = utc_now()
    fall(datastore, now)
    before = datastore.get_performance_record("s001")
    not_yet = datastore.performance.refresh_due()
    with datastore.database.unit_of_work() as session:
        # As after the fourteen days.
        mark = AssessmentLog
        for score, ago in ((60, 20), (80, 30)):
            moved = update(mark).where(mark.score == score).values(timestamp=now - days(ago))
            session.execute(moved)
        session.execute(update(PerformanceRecord).values(due_at=now - days(1)))

    refreshed = datastore.performance.refresh_due()
    after = datastore.get_performance_record("s001")

    assert (before.grit_level, before.due_at) == (None, now - days(10) + days(14))
    assert (not_yet, refreshed, datastore.performance.refresh_due()) == (0, 1, 0)
    assert (after.grit_level, after.due_at) == (0, None)


def test_two_processes_refresh_each_record_once(own: DatastoreManager) -> None:
    own.students.add_many([StudentToStore("Pupil", id=f"s{number}") for number in range(30)])
    with own.database.unit_of_work() as session:
        session.execute(update(PerformanceRecord).values(due_at=utc_now() - days(1)))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda _: own.performance.refresh_due(10), range(12)))
    while own.performance.refresh_due():
        pass

    assert {r.due_at for r in own.performance.search().items} == {None}


class TestQueries:
    """Statements and index use of the dashboards."""

    @pytest.fixture
    def manager(self, private_url: str) -> DatastoreManager:
        manager = DatastoreManager(Database.for_bind(engine_on(private_url)))
        manager.students.add_many([StudentToStore(f"Pupil {n}", id=f"s{n:03}") for n in range(120)])
        manager.assessments.add_many(
            [
                AssessmentToStore(f"s{n:03}", "quiz", "Math", n % 100, topic="sets")
                for n in range(100)
                for _ in range(3)
            ]
        )
        return manager

    def statements(self, manager: DatastoreManager, read: Any) -> list[tuple[str, Any]]:
        """Return the statements of the read, without the transaction's settings."""
        sent: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if "set_config" not in statement:
                sent.append((statement, parameters))

        engine = manager.database.store.bind
        event.listen(engine, "before_cursor_execute", note)
        try:
            read()
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return sent

    @pytest.mark.parametrize("order", Order)
    def test_a_page_of_any_length_is_a_query_and_one_of_its_actions(
        self, manager: DatastoreManager, order: Order
    ) -> None:
        for limit in (1, 100):
            sent = self.statements(
                manager,
                lambda limit=limit: manager.teacher_dashboard.search(order=order, limit=limit),
            )
            assert len(sent) == 2

    def test_the_other_dashboards_are_one_query_each(self, manager: DatastoreManager) -> None:
        student = self.statements(manager, lambda: manager.student_dashboard.get("s001"))
        cohort = self.statements(manager, manager.cohort_dashboard.get)

        assert (len(student), len(cohort)) == (1, 1)

    @pytest.mark.parametrize(
        ("order", "index"),
        [
            (Order.STUDENT_ID, "pk_performance_records"),
            (Order.NAME, "ix_students_sort_key_id"),
            (Order.NAME_BACKWARDS, "ix_students_sort_key_id"),
            (Order.LOWEST_MEAN, "ix_performance_records_lowest_mean"),
            (Order.HIGHEST_MEAN, "ix_performance_records_highest_mean"),
            (Order.LONGEST_SILENT, "ix_performance_records_longest_silent"),
            (Order.LATEST_ACTIVE, "ix_performance_records_latest_active"),
        ],
    )
    def test_an_index_gives_the_order(
        self, manager: DatastoreManager, order: Order, index: str
    ) -> None:
        first = manager.teacher_dashboard.search(order=order, limit=10)
        (statement, parameters), _actions = self.statements(
            manager,
            lambda: manager.teacher_dashboard.search(order=order, limit=10, after=first.next),
        )

        plan = self.plan(manager, statement, parameters)

        assert f"using {index}" in plan
        assert "Sort" not in plan

    @pytest.mark.parametrize("order", [Order.LOWEST_RISK, Order.HIGHEST_RISK])
    def test_students_without_a_risk_are_read_only_to_fill_the_page(
        self, manager: DatastoreManager, order: Order
    ) -> None:
        (statement, parameters), _actions = self.statements(
            manager, lambda: manager.teacher_dashboard.search(order=order, limit=10)
        )

        plan = self.plan(manager, statement, parameters)

        assert "One-Time Filter" in plan
        assert "overall_by_risk" in plan

    def plan(self, manager: DatastoreManager, statement: str, parameters: Any) -> str:
        """Return the plan that a large database would have."""
        with manager.database.snapshot() as session:
            for method in ("seqscan", "sort", "hashjoin", "mergejoin", "bitmapscan"):
                session.execute(text(f"SET LOCAL enable_{method} = off"))
            raw = session.connection().exec_driver_sql("EXPLAIN " + statement, parameters)
            return "\n".join(line for (line,) in raw)
