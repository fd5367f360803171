"""`veritas predict` by the rules."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.events.store import EVENT
from dropout_service.domain.enums import EventType
from dropout_service.errors import PredictionNotFound
from dropout_service.models import DropoutPrediction
from shared_db.connection.database import Database
from shared_db.spool.queue import Spool
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.domain.roster import RosterKind
from tests.support.databases import engine_on
from tests.support.factories import NOON, days
from tests.support.rosters import a_class, an_enrolment, fill, outcomes
from veritas_cli.main import app

Run = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("manager")

AS_OF = (NOON + days(60)).isoformat()


@pytest.fixture
def manager(private_url: str) -> DropoutDatabaseManager:
    """Return a database with seven students of math, silent for 0, 5, ... 30 days, and art's."""
    manager = DropoutDatabaseManager(Database.for_bind(engine_on(private_url)))
    events = [
        EventToStore(
            f"s{number}", EventType.RESOURCE_VIEW, course="math", occurred_at=NOON + days(n)
        )
        for number in range(7)
        for n in range(0, 61 - 5 * number, 2)
    ]
    events.append(EventToStore("new", EventType.NAVIGATION, course="art", occurred_at=NOON))
    events.append(
        EventToStore("newest", EventType.NAVIGATION, course="art", occurred_at=NOON + days(59))
    )
    manager.events.add_many(events)
    return manager


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, private_url: str) -> Run:
    """Run the command against that database."""
    monkeypatch.setenv("DATABASE_URL", private_url)
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *arguments: CliRunner().invoke(app, ["predict", *arguments])


def predictions(manager: DropoutDatabaseManager) -> list[DropoutPrediction]:
    with manager.database.reading() as session:
        return list(session.scalars(select(DropoutPrediction)))


def test_a_course_is_ranked_with_reasons_from_the_events(
    run: Run, manager: DropoutDatabaseManager
) -> None:
    result = run("--course", "math", "--as-of", AS_OF, "--show", "3")

    assert result.exit_code == 0, result.output
    assert "7 predictions stored, 0 already there, 0 not assessable" in result.output
    assert re.findall(r"\bs\d\b", result.output) == ["s6", "s5", "s4"]
    for prediction in predictions(manager):
        found = {one["name"]: one for one in prediction.primary_indicators}
        last = manager.events.search(prediction.student_id, limit=1).items[0].occurred_at
        silent = (prediction.as_of - last) / days(1)
        if "days_since_activity" in found:
            assert found["days_since_activity"]["value"] == silent
        else:
            assert silent <= 5


def test_a_second_run_stores_nothing_new(run: Run, manager: DropoutDatabaseManager) -> None:
    run("--all", "--as-of", AS_OF)
    stored = {row.id for row in predictions(manager)}
    again = run("--all", "--as-of", AS_OF)

    assert "0 predictions stored, 8 already there, 1 not assessable" in again.output
    assert "for instance newest: the student was first seen 1.0 days before" in again.output
    assert {row.id for row in predictions(manager)} == stored
    assert len(stored) == 8


def test_restricted_students_are_skipped_and_counted(
    run: Run, manager: DropoutDatabaseManager
) -> None:
    datastore = DatastoreManager(manager.database)
    datastore.add_student("s6", "Ada")
    datastore.restrictions.put("s6", actor="office")
    without = run("--all", "--as-of", AS_OF)
    datastore.restrictions.lift("s6", actor="office")
    again = run("--all", "--as-of", AS_OF)

    assert "7 predictions stored, 0 already there, 1 not assessable" in without.output
    assert "1 student is not assessed on request." in without.output
    assert "1 predictions stored, 7 already there" in again.output
    assert "on request" not in again.output


def test_late_events_add_a_new_prediction(run: Run, manager: DropoutDatabaseManager) -> None:
    run("--course", "math", "--as-of", AS_OF)
    manager.events.add(None, "s6", None, "NAVIGATION", occurred_at=NOON + days(58))
    again = run("--course", "math", "--as-of", AS_OF)

    assert "1 predictions stored, 6 already there" in again.output
    history = manager.predictions.search_student("s6").items
    latest = manager.predictions.get_latest("s6")
    assert len(history) == 2
    assert latest.risk_score == min(row.risk_score for row in history)


def test_batches_reach_every_student_once(manager: DropoutDatabaseManager) -> None:
    after: str | None = ""
    seen = 0
    while after is not None:
        batch = manager.batch_predictions.predict_by_rules(NOON + days(60), after=after, limit=2)
        seen, after = seen + batch.students, batch.last

    assert seen == 9
    assert len({row.student_id for row in predictions(manager)}) == 8


def test_an_earlier_instant_does_not_hide_a_later_prediction(
    run: Run, manager: DropoutDatabaseManager
) -> None:
    run("--all", "--as-of", AS_OF)
    run("--all", "--as-of", (NOON + days(30)).isoformat())

    assert manager.predictions.get_latest("s6").as_of == NOON + days(60)
    assert len(manager.predictions.search_student("s6").items) == 2


def test_pending_rows_in_the_spool_are_counted(
    run: Run, manager: DropoutDatabaseManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOOL_PATH", str(tmp_path))
    late = EventToStore("s6", EventType.NAVIGATION, id="late", occurred_at=NOON, accepted_at=NOON)
    with closing(Spool.of_service(tmp_path, "dropout")) as spool:
        spool.append([EVENT.entry(late)])

        result = run("--all", "--as-of", AS_OF)
        waiting = [entry.id for entry in spool.pending(10)]

    assert "1 were made while rows of the student waited in the spool" in result.output
    pending = {row.student_id: row.pending_rows for row in predictions(manager)}
    assert pending == dict.fromkeys(pending, 0) | {"s6": 1}
    assert waiting == ["late"]


def test_an_unreadable_spool_leaves_the_pending_rows_unknown(
    run: Run, manager: DropoutDatabaseManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOOL_PATH", str(tmp_path / ("too-long-a-name" * 20)))

    result = run("--all", "--as-of", AS_OF)

    assert result.exit_code == 0, result.output
    assert "cannot be read: what waits there is not counted" in result.output
    assert {row.pending_rows for row in predictions(manager)} == {None}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either --all or --course"),
        (("--all", "--course", "math"), "either --all or --course"),
        (("--course", "nothing"), "No enrolments in a course 'nothing' are known"),
        (("--course", ""), "No enrolments in a course '' are known"),
        (("--all", "--as-of", "yesterday"), "must be an instant"),
        (("--course", "nothing", "--day", "3"), "No enrolments in a course 'nothing'"),
        (("--course", "math", "--day", "3"), "No dates of the course math are known"),
        (("--all", "--as-of", "0001-01-01T00:00:00+14:00"), "must be an instant"),
        (("--all", "--as-of", "2026-01-01T00:00:00"), "needs a time zone"),
        (("--all", "--as-of", "2090-01-01T00:00:00Z"), "not be in the future"),
    ],
    ids=[
        "neither",
        "both",
        "unknown course",
        "course without a name",
        "no instant",
        "day of an unknown course",
        "day without dates",
        "before all time",
        "no zone",
        "future",
    ],
)
def test_refusals_are_one_line(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert said in result.output
    assert result.output.count("\n") == 1


def test_a_missing_migration_is_refused_with_the_remedy(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_url)

    unmigrated = CliRunner().invoke(app, ["predict", "--all"])

    assert unmigrated.exit_code == 1
    assert "veritas migrate" in unmigrated.output


def test_a_cohort_may_be_empty(run: Run, manager: DropoutDatabaseManager) -> None:
    for student_id in [student.id for student in manager.students.search().items]:
        manager.students.erase(student_id)

    nobody = run("--all")

    assert nobody.exit_code == 0
    assert "0 students" in nobody.output


def test_classes_are_predicted_besides_everybody(
    run: Run, manager: DropoutDatabaseManager, private_url: str
) -> None:
    datastore = DatastoreManager(Database.for_bind(engine_on(private_url)))
    fill(datastore, students=2, classes=())
    datastore.students.add_many([StudentToStore(id_, None, id_) for id_ in ("s1", "s2", "s6")])
    outcomes(datastore, a_class("math", course_id=None, term_ids=(), subjects=("Math",)))
    outcomes(
        datastore, *(an_enrolment(f"e{n}", student_id=f"s{n}", class_id="math") for n in (1, 2, 6))
    )
    of_class = run("--course", "math", "--as-of", AS_OF, "--show", "1")

    assert "7 students as of" in of_class.output
    assert "3 predictions stored, 0 already there, 4 not assessable" in of_class.output
    assert "for instance s0: the student is not enrolled in the course" in of_class.output
    assert {row.course_rank for row in predictions(manager)} == {1, 2, 3}
    datastore.roster.separate(RosterKind.ENROLMENT, class_id="math", student_id="s6")
    everybody = run("--all", "--show", "50")

    assert (
        "1 class (0 by the model, 1 by the rules): 2 predictions stored, 0 already there, 5 not "
        "assessable" in everybody.output
    )
    with pytest.raises(PredictionNotFound):
        manager.predictions.get_latest("s6", course="math")
    # Students are listed by their overall risk.
    assert len(re.findall(r"\bs1\b", everybody.output)) == 1
