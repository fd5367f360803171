"""Features of students on both stores: values, marks of both services, and inserts."""

from datetime import timedelta

import pytest

from dropout_service.database import DropoutDatabaseManager
from dropout_service.errors import (
    FeatureSetExists,
    FeatureSetNotFound,
    LevelDisagrees,
    StudentNotFound,
)
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.support.factories import NOON, days
from tests.support.past_events import END, HINT, START, VIEW, an_answer, an_event, features_at


class TestValues:
    """Values that can be counted by hand."""

    def test_answers(self, db_manager: DropoutDatabaseManager) -> None:
        db_manager.events.add_many(
            [
                an_answer(NOON, "q1", "a", right=False),
                an_answer(NOON + timedelta(minutes=1), "q1", "a", right=False),
                an_answer(NOON + timedelta(minutes=2), "q1", "b", right=True),
                an_answer(NOON + days(1), "q2", "c", right=True),
                an_answer(NOON + days(3), "q2", "c", right=True),
                an_answer(NOON + days(5), "q3", "d", right=False),
                an_event(NOON + days(5), HINT, question_id="q3"),
            ]
        )

        seen = features_at(db_manager, NOON + days(6))

        assert seen["questions_attempted"] == 3
        assert seen["questions_correct"] == 2
        assert seen["attempts_per_question"] == 2
        assert seen["success_share_recent"] == pytest.approx(3 / 6)
        assert seen["answer_stability"] == pytest.approx(2 / 3)
        assert seen["compared_answers"] == 3
        assert seen["hints_per_answer_recent"] == pytest.approx(1 / 6)
        assert seen["velocity_recent"] == pytest.approx(2 / 7)
        assert seen["plateau_days"] == 4
        assert seen["days_since_activity"] == pytest.approx(1)
        assert seen["velocity_before"] is None

    def test_recent_and_earlier_weeks(self, db_manager: DropoutDatabaseManager) -> None:
        db_manager.events.add_many(
            [an_event(NOON + days(number)) for number in (*range(0, 28, 2), 30, 36)]
        )

        seen = features_at(db_manager, NOON + days(41))

        # 42 days: 14 recent, 28 before, in which the student came 14 times.
        assert seen["baseline_weeks"] == 4
        assert seen["events_per_week_before"] == pytest.approx(14 / 4)
        assert seen["events_per_week_recent"] == pytest.approx(2 / 2)
        assert seen["active_days_per_week_recent"] == 1
        assert seen["mean_gap_days_before"] == 2
        assert seen["mean_gap_days_recent"] == 5
        assert seen["gap_growth"] == 2.5
        assert seen["longest_gap_days"] == 6
        assert seen["regularity"] == pytest.approx(1 / (1 + seen["gap_variation"]))

    def test_several_courses_on_a_day_are_one_active_day(
        self, db_manager: DropoutDatabaseManager
    ) -> None:
        db_manager.events.add_many(
            [an_event(NOON + days(n), course=c) for n in (0, 1, 2) for c in ("art", "math", None)]
        )

        seen = features_at(db_manager, NOON + days(13))

        assert seen["active_days_per_week_recent"] == pytest.approx(3 / 2)
        assert seen["events_per_week_recent"] == pytest.approx(9 / 2)
        assert seen["longest_gap_days"] == 1

    def test_sessions_by_their_events(self, db_manager: DropoutDatabaseManager) -> None:
        minutes = {START: 0, VIEW: 50, END: 60}
        db_manager.events.add_many(
            [
                an_event(NOON + timedelta(hours=hour, minutes=minute), kind)
                for hour in (0, 3)
                for kind, minute in minutes.items()
            ]
        )

        seen = features_at(db_manager, NOON + days(1))

        # A gap of 50 minutes ends no session that has a SESSION_END event.
        assert seen["sessions_per_week_recent"] == pytest.approx(2 * 7 / 2)
        assert seen["session_minutes_recent"] == pytest.approx(60)

    def test_sessions_by_gaps_without_session_events(
        self, db_manager: DropoutDatabaseManager
    ) -> None:
        db_manager.events.add_many(
            [an_event(NOON + timedelta(minutes=minute)) for minute in (0, 20, 40, 71, 80)]
        )

        seen = features_at(db_manager, NOON + days(1))

        assert seen["sessions_per_week_recent"] == pytest.approx(2 * 7 / 2)
        assert seen["session_minutes_recent"] == pytest.approx((40 + 9) / 2)

    def test_marks(self, db_manager: DropoutDatabaseManager) -> None:
        for number, score in enumerate((90, 80, 40, 50, 60)):
            db_manager.assessments.add(
                "s001", "quiz", "Math", score, submitted_at=NOON + days(number)
            )

        seen = features_at(db_manager, NOON + days(10))

        assert seen["mark_count"] == 5
        assert seen["mark_share_recent"] == pytest.approx(0.5)
        assert seen["mark_share_before"] == pytest.approx(0.85)
        assert seen["days_since_mark"] == pytest.approx(6)
        assert seen["days_since_activity"] is None
        assert seen["events_per_week_recent"] is None

    def test_a_mark_counts_as_activity_if_there_are_events(
        self, db_manager: DropoutDatabaseManager
    ) -> None:
        db_manager.events.add_many([an_event(NOON)])
        db_manager.assessments.add("s001", "quiz", "Math", 50, submitted_at=NOON + days(4))

        assert features_at(db_manager, NOON + days(6))["days_since_activity"] == pytest.approx(2)

    def test_events_later_on_the_same_day_are_excluded(
        self, db_manager: DropoutDatabaseManager
    ) -> None:
        db_manager.events.add_many([an_event(NOON + timedelta(hours=hour)) for hour in (-2, 0, 2)])

        assert features_at(db_manager, NOON)["events_per_week_recent"] == 14
        assert features_at(db_manager, NOON + days(1))["events_per_week_recent"] == 3 * 7 / 2

    def test_an_unknown_student_has_no_features(self, db_manager: DropoutDatabaseManager) -> None:
        with pytest.raises(StudentNotFound):
            db_manager.features.compute("nobody", as_of=NOON)
        with pytest.raises(FeatureSetNotFound):
            db_manager.features.get_latest("nobody")


def test_the_refusal_says_that_the_student_is_unknown_in_dropout(postgres: Database) -> None:
    DatastoreManager(postgres).add_student("s001", "Ada")

    with pytest.raises(StudentNotFound) as refused:
        DropoutDatabaseManager(postgres).students.get("s001")

    assert refused.value.title == "The student is not known here"
    assert refused.value.detail == "Nothing of a student s001 is stored in dropout."


def test_a_mark_sent_to_both_services_counts_once(postgres: Database) -> None:
    datastore, manager = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
    datastore.add_student("s001", "Ada")
    datastore.add_assessment(
        "s001", "exam", "Math", 80, timestamp=NOON - days(2), assessment_id="both"
    )
    manager.assessments.add(
        "s001", "exam", "Math", 10, submitted_at=NOON - days(2), assessment_id="both"
    )
    manager.assessments.add("s001", "quiz", "Math", 60, submitted_at=NOON - days(1))

    seen = features_at(manager, NOON)

    assert seen["mark_count"] == 2
    assert seen["mark_share_recent"] == pytest.approx(0.7)


def test_a_student_with_marks_in_staffstuddash_only_is_predicted(postgres: Database) -> None:
    datastore, manager = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
    datastore.add_student("s001", "Ada")
    for day, score in ((30, 20), (20, 10)):
        datastore.add_assessment("s001", "exam", "Math", score, timestamp=NOON - days(day))

    prediction = manager.predictions.predict("s001", as_of=NOON)

    assert prediction.dropout_type == "COGNITIVE"
    assert prediction.primary_indicators[0]["name"] == "mark_share"


class TestInserts:
    """Flat methods of the manager, by the names of the design."""

    def test_features_from_elsewhere(self, db_manager: DropoutDatabaseManager) -> None:
        stored = db_manager.save_feature_set("fs001", "s001", {"tempo": 3}, as_of=NOON)
        again = db_manager.save_feature_set("fs001", "s001", {"tempo": 3}, as_of=NOON)

        assert (stored.version, again.is_replay) == ("given", True)
        assert db_manager.features.get_latest("s001").features == {"tempo": 3}
        with pytest.raises(FeatureSetExists):
            db_manager.save_feature_set("fs001", "s001", {"tempo": 4}, as_of=NOON)

    def test_a_prediction_from_elsewhere(self, db_manager: DropoutDatabaseManager) -> None:
        db_manager.save_prediction("pred001", "s001", "COGNITIVE", 0.75, "HIGH")

        latest = db_manager.predictions.get_latest("s001")
        assert (latest.id, latest.risk_level, latest.confidence) == ("pred001", "HIGH", None)

    @pytest.mark.parametrize(
        ("kind", "score", "level", "error"),
        [
            ("COGNITIVE", 0.75, "LOW", LevelDisagrees),
            ("COGNITIVE", 1.5, None, ValueError),
            ("BORED", 0.75, "HIGH", ValueError),
            ("COGNITIVE", 0.75, "SEVERE", ValueError),
        ],
    )
    def test_an_invalid_prediction_is_rejected(
        self,
        db_manager: DropoutDatabaseManager,
        kind: str,
        score: float,
        level: str | None,
        error: type[Exception],
    ) -> None:
        with pytest.raises(error):
            db_manager.save_prediction("pred001", "s001", kind, score, level)
        assert db_manager.predictions.search().items == []
