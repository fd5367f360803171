"""`veritas import oulad`: complete, idempotent, and resumable."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from shared_db.connection.database import Database
from shared_db.results import Outcome
from staffstuddash_service.datastore import DatastoreManager
from tests.e2e.processes import wait_until, without_settings
from tests.support.databases import engine_on, waits_for_a_lock
from tests.support.oulad_fixtures.imported import (
    Run,
    account,
    bring_in,
    bring_in_small,
    contents_of,
)
from tests.support.oulad_fixtures.small_course import (
    FILES,
    with_question_marks,
    write_oulad,
    zip_of,
)
from tests.support.server import admin_url, create_database, drop_database, new_name
from veritas_cli.oulad.course import CourseName

CLICKS = 12
FIRST = "oulad-AAA-2013J-101-71--10-1"


@pytest.fixture
def other_url(template_name: str) -> Iterator[str]:
    """Yield the URL of a second database."""
    name = new_name()
    yield create_database(admin_url(), name, template=template_name)
    drop_database(admin_url(), name)


def managers(url: str) -> tuple[DropoutDatabaseManager, DatastoreManager]:
    database = Database.for_bind(engine_on(url))
    return DropoutDatabaseManager(database), DatastoreManager(database)


def scalar(engine: Engine, query: str) -> object:
    with engine.connect() as connection:
        return connection.scalar(text(query))


def test_every_row_is_imported_and_counted(
    run_import: Run, tmp_path: Path, private_url: str
) -> None:
    result = run_import(write_oulad(tmp_path / "oulad"))

    assert result.exit_code == 0, result.output
    assert account(result) == {
        "courses.csv": ("2", "2", "0", "0"),
        "assessments.csv": ("4", "4", "0", "0"),
        "vle.csv": ("3", "0", "0", "0"),
        "studentInfo.csv": ("7", "7", "0", "0"),
        "studentRegistration.csv": ("7", "7", "0", "0"),
        "studentAssessment.csv": ("6", "6", "0", "0"),
        "studentVle.csv": ("12", "12", "0", "0"),
    }
    stored = contents_of(private_url)
    enrolment = next(e for e in stored["dropout.enrolments"] if e["id"] == "oulad-AAA-2013J-102")
    assert (enrolment["registered_day"], enrolment["unregistered_day"]) == (-53, 12)
    assert (enrolment["outcome"], enrolment["credits"]) == ("WITHDRAWN", 120)
    background = stored["dropout.enrolment_backgrounds"][2]
    assert (background["region"], background["deprivation_band"]) == ("Scotland", "10-20%")
    assert [(c["activity_from"], c["activity_until"]) for c in stored["dropout.courses"]] == [
        (-10, 33),
        (3, 3),
    ]
    # Two rows are equal, and both are stored.
    assert {e["id"] for e in stored["dropout.learning_events"]} >= {f"{FIRST}-1", f"{FIRST}-2"}
    assert len(stored["dropout.learning_events"]) == CLICKS


def test_staff_see_the_students_and_their_marks(tmp_path: Path, private_url: str) -> None:
    bring_in_small(private_url, tmp_path)
    _, staff = managers(private_url)

    assert staff.get_student("oulad-101").name == "OULAD student 101"
    record = staff.get_performance_record("oulad-106")
    assert (record.assessment_count, record.mean_percentage) == (2, 25.25)
    # Scores carried over and work without a score are no marks.
    assert staff.get_performance_record("oulad-103").assessment_count == 0
    assert len(staff.teacher_dashboard.search().items) == 6


def test_a_second_run_with_other_spelling_and_order_changes_nothing(
    tmp_path: Path, private_url: str
) -> None:
    bring_in_small(private_url, tmp_path)
    before = contents_of(private_url)
    head, *rows = FILES["studentVle.csv"].strip().splitlines()
    spelled = {name.removesuffix(".csv"): with_question_marks(t) for name, t in FILES.items()}
    spelled["studentVle"] = "\n".join([head, *rows[::-1]])

    again = bring_in(private_url, zip_of(write_oulad(tmp_path / "other", **spelled)))

    assert {one.name: (one.stored, one.refused) for one in again.reports.values()} == (
        dict.fromkeys(again.reports, (0, 0))
    )
    assert again.reports["studentVle.csv"].repeated == CLICKS
    assert contents_of(private_url) == before


def test_a_killed_import_continues_when_it_is_started_again(
    tmp_path: Path, private_url: str, other_url: str
) -> None:
    folder = write_oulad(tmp_path / "oulad")
    bring_in(other_url, folder)
    engine = engine_on(private_url)
    for url in (private_url, other_url):
        managers(url)[0].students.add("oulad-106")
    event = (
        "INSERT INTO dropout.learning_events (id, student_id, event_type, occurred_at, day,"
        " recorded_at, digest) VALUES ('oulad-AAA-2013J-106-72-2-1-1', 'oulad-106', 'NAVIGATION',"
        " now(), 0, now(), '')"
    )
    with engine.connect() as ours, ours.begin() as transaction:
        # The import waits for this transaction, and is killed meanwhile.
        ours.execute(text(event))
        process = subprocess.Popen(
            [
                Path(sys.executable).with_name("veritas"),
                *["import", "oulad", "--batch-rows", "1"],
                folder,
            ],
            env=without_settings(DATABASE_URL=private_url),
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
        )
        assert wait_until(lambda: waits_for_a_lock(engine))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        transaction.rollback()
    stored = scalar(engine, "SELECT count(*) FROM dropout.learning_events")
    covered = scalar(engine, "SELECT count(activity_from) FROM dropout.courses")

    assert 0 < int(str(stored)) < CLICKS
    # Clicks that are not imported yet are missing, not zero.
    assert covered == 0
    rest = bring_in(private_url, folder).reports["studentVle.csv"]
    assert (rest.stored, rest.repeated) == (CLICKS - int(str(stored)), stored)
    assert contents_of(private_url) == contents_of(other_url)


def test_the_rollup_matches_the_events(tmp_path: Path, private_url: str) -> None:
    dropout, _ = managers(private_url)
    noon = CourseName("AAA", "2013J").noon_of(20)
    dropout.events.add(
        "earlier", "oulad-101", None, "NAVIGATION", course="AAA-2013J", occurred_at=noon
    )
    bring_in_small(private_url, tmp_path)
    kept = contents_of(private_url)
    with engine_on(private_url).begin() as connection:
        connection.execute(text("DELETE FROM dropout.daily_activity"))
        connection.execute(text("DELETE FROM dropout.resource_uses"))
    dropout.events.rebuild_daily_activity()
    rebuilt = contents_of(private_url)

    assert sum(day["clicks"] for day in kept["dropout.daily_activity"]) == 36 + 99
    assert rebuilt["dropout.daily_activity"] == kept["dropout.daily_activity"]
    assert rebuilt["dropout.resource_uses"] == kept["dropout.resource_uses"]


@pytest.mark.parametrize("kind", ["forumng", "for\\\\um é"], ids=["plain", "to be escaped"])
def test_a_click_equals_the_same_event_sent_to_the_service(
    tmp_path: Path, private_url: str, kind: str
) -> None:
    bring_in_small(private_url, tmp_path, vle=FILES["vle.csv"].replace("forumng", kind))
    dropout, _ = managers(private_url)
    sent = EventToStore(
        "oulad-101",
        EventType.RESOURCE_VIEW,
        id=f"{FIRST}-1",
        course="AAA-2013J",
        data={"activity": kind, "clicks": 1, "site": "71"},
        occurred_at=CourseName("AAA", "2013J").noon_of(-10),
    )

    [result] = dropout.events.add_many([sent])

    assert result.outcome is Outcome.REPEATED
    event = next(e for e in dropout.events.search("oulad-101").items if e.id == sent.id)
    assert (event.data, event.clicks, event.resource_type) == (sent.data, 1, kind)


def test_only_the_click_stored_with_other_content_is_refused(
    tmp_path: Path, private_url: str
) -> None:
    dropout, _ = managers(private_url)
    noon = CourseName("AAA", "2013J").noon_of(-10)
    dropout.events.add(
        f"{FIRST}-2", "oulad-101", None, "NAVIGATION", course="AAA-2013J", occurred_at=noon
    )

    clicks = bring_in_small(private_url, tmp_path).reports["studentVle.csv"]

    assert (clicks.stored, clicks.repeated, clicks.refused) == (CLICKS - 1, 0, 1)
    assert set(clicks.reasons) == {"is stored with other content"}
    days = contents_of(private_url)["dropout.daily_activity"]
    assert sum(day["events"] for day in days) == CLICKS


def test_marks_are_added_to_existing_marks(tmp_path: Path, private_url: str) -> None:
    _, staff = managers(private_url)
    staff.add_student("oulad-106", "OULAD student 106")
    staff.add_assessment("oulad-106", "quiz", "AAA", 99.5)

    reports = bring_in_small(private_url, tmp_path).reports

    students, marks = reports["staff: students"], reports["staff: marks"]
    assert (students.stored, students.repeated, marks.stored) == (5, 1, 4)
    record = staff.get_performance_record("oulad-106")
    assert (record.assessment_count, record.mean_percentage) == (3, 50.0)


def test_an_erased_student_is_not_imported_again(
    run_import: Run, tmp_path: Path, private_url: str
) -> None:
    folder = write_oulad(tmp_path / "oulad")
    bring_in(private_url, folder)
    dropout, staff = managers(private_url)
    staff.students.erase("oulad-101")
    dropout.students.erase("oulad-101")

    result = run_import(folder)

    assert result.exit_code == 0, result.output
    assert account(result)["studentInfo.csv"] == ("7", "0", "5", "2")
    assert account(result)["studentVle.csv"] == ("12", "0", "4", "8")
    assert "studentInfo.csv, line 2: refused: the student was deleted" in result.output
    left = contents_of(private_url)
    assert not [rows for rows in left.values() if "oulad-101" in str(rows)]
