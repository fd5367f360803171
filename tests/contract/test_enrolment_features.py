"""Features of enrolments: values, no look-ahead, and unknown values."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.courses.bulk_import import SubmissionToStore
from dropout_service.database.features.enrolment import (
    Columns,
    enrolment_features,
    enrolment_features_at,
)
from dropout_service.domain.enrolments.enrolment_features import ENROLMENT_FEATURES
from dropout_service.domain.enums import EventType
from shared_db.connection.database import Database
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import bring_in
from tests.support.oulad_fixtures.small_course import FILES, write_oulad
from tests.support.server import admin_url, create_database, drop_database, new_name
from veritas_cli.oulad.course import CourseName

AAA = CourseName("AAA", "2013J")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the small course's files."""
    return write_oulad(tmp_path_factory.mktemp("features") / "oulad")


@pytest.fixture(scope="module")
def imported(template_name: str, folder: Path) -> Iterator[Connection]:
    """Give a connection to a database with the small course; what a test does is rolled back."""
    name = new_name()
    url = create_database(admin_url(), name, template=template_name)
    bring_in(url, folder)
    with engine_on(url).connect() as connection:
        yield connection
    drop_database(admin_url(), name)


def features(connection: Connection, day: int, **chosen: Any) -> Columns:
    with Database.for_bind(connection).reading() as session:
        return enrolment_features(session, day, **chosen)


def of(columns: Columns, enrolment: str) -> dict[str, Any]:
    [place] = np.flatnonzero(columns["enrolment_id"] == f"oulad-{enrolment}")
    return {name: values[place].item() for name, values in columns.items()}


def test_values_that_can_be_counted_by_hand(imported: Connection) -> None:
    known = of(features(imported, 41), "AAA-2013J-106")

    assert (known["assessments_due"], known["assessments_handed_in"]) == (2, 2)
    assert (known["assessments_late"], known["assessments_missed"]) == (1, 0)
    assert (known["score_mean"], known["last_score"], known["score_trend"]) == (25.25, 20.5, -9.5)
    assert (known["days_since_submission"], known["mean_lead_days"]) == (0, -0.5)
    assert known["weight_done_share"] == known["due_weight_done_share"] == 1


def test_work_due_before_the_registration_is_not_missed(imported: Connection) -> None:
    """104 registers on day 30; the first piece was due on day 10, the second on day 40."""
    before, after = (of(features(imported, day), "AAA-2013J-104") for day in (39, 41))

    assert (before["assessments_due"], before["due_done_share"]) == (1, 0)
    assert (before["assessments_missed"], before["missed_last_two"]) == (0, 0)
    assert (after["assessments_missed"], after["missed_last_two"]) == (1, 1)


def test_a_midrank_counts_equal_values_by_half(imported: Connection) -> None:
    everybody = features(imported, 41, courses=["AAA-2013J"])
    missed, midranks = (
        everybody[name] for name in ("assessments_missed", "assessments_missed_midrank")
    )

    lower = (missed[:, None] > missed).mean(axis=1)
    equal = (missed[:, None] == missed).mean(axis=1)
    assert len(set(missed.tolist())) > 1
    np.testing.assert_allclose(midranks, lower + equal / 2)
    # Without a known score there is no percentile.
    assert np.isnan(features(imported, 3)["last_score_midrank"]).all()


def test_activity_is_counted_back_from_the_day(imported: Connection) -> None:
    known = of(features(imported, 21), "AAA-2013J-101")

    assert (known["clicks_per_week_7"], known["clicks_per_week_14"]) == (7, 3.5)
    assert (known["active_days_7"], known["active_days_28"]) == (3, 3)
    assert (known["clicks_total"], known["resource_types"]) == (20, 2)
    assert known["days_since_activity"] == 0
    # 101 has the most clicks of the four registered.
    assert known["clicks_total_percentile"] == 0.75


def test_the_rows_are_the_enrolments_registered_at_the_end_of_the_day(imported: Connection) -> None:
    def there(day: int) -> str:
        ids = features(imported, day, courses=["AAA-2013J"])["enrolment_id"].tolist()
        return " ".join(id_.removeprefix("oulad-AAA-2013J-") for id_ in ids)

    assert there(11) == "101 102 103 105 106"
    assert there(12) == "101 103 105 106"
    assert there(30) == "101 103 104 105 106"
    assert there(60) == "101 104 105 106"


def test_an_unknown_value_is_not_zero(imported: Connection) -> None:
    after_the_stream = features(imported, 34)
    needs_activity = [one.name for one in ENROLMENT_FEATURES if one.needs_activity]

    assert not after_the_stream["has_activity"].any()
    for name in needs_activity:
        assert np.isnan(after_the_stream[name]).all(), name
    silent = of(features(imported, 20), "AAA-2013J-105")
    assert (silent["clicks_total"], silent["days_since_activity"]) == (0, 31)
    assert np.isnan([silent["score_mean"], silent["days_since_submission"]]).all()
    # There are no questions in this course.
    assert np.isnan(silent["answers_per_week_28"])


@pytest.mark.parametrize("day", [-10, 0, 3, 12, 30, 33, 41, 100])
def test_polars_computes_equal_features_from_the_files(
    imported: Connection, folder: Path, day: int
) -> None:
    assert_same(imported, folder, day)


def test_scores_without_weight_and_of_0_or_1_are_no_marks(tmp_path: Path, private_url: str) -> None:
    folder = write_oulad(tmp_path / "oulad", **with_completions())
    bring_in(private_url, folder, batch_rows=1000)
    with engine_on(private_url).connect() as connection:
        days = {}
        for day in (9, 10, 41):
            assert_same(connection, folder, day)
            days[day] = features(connection, day)

    one, other = (of(days[9], f"AAA-2013J-{student}") for student in (101, 106))
    assert (one["score_mean"], one["lowest_score"], one["last_score"]) == (78, 78, 78)
    assert (one["assessments_handed_in"], other["assessments_handed_in"]) == (3, 2)
    assert np.isnan([other[name] for name in ("score_mean", "lowest_score", "last_score")]).all()
    # In the other course no work has a weight: its scores are marks.
    assert of(days[10], "BBB-2013B-101")["score_mean"] == 5
    # A score of 40 shows that work 6 has marks after all.
    assert of(days[41], "AAA-2013J-101")["score_mean"] == pytest.approx((78 * 50 + 1 * 20) / 70)


def with_completions() -> dict[str, str]:
    """Return files with work 5, which has no weight, and work 6, with scores of 0 or 1 at first."""
    more = {
        "assessments": ["AAA,2013J,5,CMA,8,0", "AAA,2013J,6,CMA,9,20"],
        "studentAssessment": [
            "5,101,8,0,10",
            "5,106,8,0,90",
            "6,101,9,0,1",
            "6,106,9,0,0",
            "6,105,41,0,40",
        ],
    }
    files = {name: "\n".join([FILES[f"{name}.csv"].rstrip(), *more[name]]) for name in more}
    without_weight = files["assessments"].replace("4,TMA,10,100", "4,TMA,10,0")
    return {**files, "assessments": without_weight}


def assert_same(connection: Connection, folder: Path, day: int) -> None:
    # Polars takes half a second to import: too long for each process that collects tests.
    from tests.support.polars_enrolments import (  # noqa: PLC0415
        differences,
        enrolment_features,
        read_oulad,
    )

    assert differences(features(connection, day), enrolment_features(read_oulad(folder), day)) == []


def test_an_instant_means_the_end_of_the_last_completed_day(imported: Connection) -> None:
    def at(instant: datetime) -> Columns:
        with Database.for_bind(imported).reading() as session:
            return enrolment_features_at(session, instant, courses=["AAA-2013J"])

    expected = features(imported, 21, courses=["AAA-2013J"])
    for instant in (AAA.end_of(21), AAA.end_of(22) - timedelta(seconds=1)):
        np.testing.assert_equal(at(instant), expected)
    assert set(at(AAA.end_of(22))["day"]) == {22}
    assert len(at(datetime(2012, 1, 1, tzinfo=UTC))["day"]) == 1  # the registration day is unknown


def test_without_courses_there_are_no_rows(imported: Connection) -> None:
    none = features(imported, 10, courses=["nothing"])

    assert {name: len(values) for name, values in none.items()} == dict.fromkeys(none, 0)


_LATER = st.lists(
    st.tuples(
        st.sampled_from(["event", "answer", "submission", "withdrawal", "registration"]),
        st.sampled_from(["101", "103", "105", "106"]),
        st.integers(1, 15),
        st.integers(0, 100),
    ),
    min_size=1,
    max_size=6,
)


def test_rows_after_the_cut_off_do_not_change_a_feature(imported: Connection) -> None:
    manager = DropoutDatabaseManager(Database.for_bind(imported))

    @settings(max_examples=12)
    @given(st.integers(0, 18), _LATER)
    def holds(day: int, later: list[tuple[str, str, int, int]]) -> None:
        with imported.begin() as transaction:
            before = features(imported, day)
            for what, student, days, value in later:
                _happen(imported, manager, what, student, day + days, value)
            after = features(imported, day)
            transaction.rollback()
        np.testing.assert_equal(after, before)

    imported.rollback()
    holds()


def _happen(
    connection: Connection,
    manager: DropoutDatabaseManager,
    what: str,
    student: str,
    day: int,
    value: int,
) -> None:
    enrolment = f"oulad-AAA-2013J-{student}"
    if what in ("event", "answer"):
        is_answer = what == "answer"
        kind = EventType.QUESTION_SUBMIT if is_answer else EventType.RESOURCE_VIEW
        data = {"correct": True} if is_answer else {"clicks": value, "activity": f"new {value}"}
        event = EventToStore(f"oulad-{student}", kind, None, "q", AAA.id, data, AAA.noon_of(day))
        manager.events.add_many([event])
    elif what == "submission":
        # The work due on day 40, with any day of submission and any score.
        change = "UPDATE dropout.submissions SET submitted_day = :day, score = :score"
        handed_in = f"{change} WHERE enrolment_id = :id AND coursework_id = 'oulad-2'"
        values = {"day": day, "score": value, "id": enrolment}
        if not connection.execute(text(handed_in), values).rowcount:
            work = (f"late-{student}", f"oulad-{student}", enrolment, "oulad-2")
            manager.courses.import_submissions([SubmissionToStore(*work, day, value)])
    elif what == "withdrawal":
        change = (
            "UPDATE dropout.enrolments SET unregistered_day = :day WHERE id = :id"
            " AND (unregistered_day IS NULL OR unregistered_day > :day)"
        )
        connection.execute(text(change), {"day": day, "id": enrolment})
    else:
        change = "UPDATE dropout.enrolments SET registered_day = :day WHERE registered_day > :day"
        connection.execute(text(change), {"day": day})
