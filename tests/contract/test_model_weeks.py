"""Weeks of a model's predictions against known outcomes, on PostgreSQL."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import pytest

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.course_calendar import CourseDates
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enrolments.week_quality import WeekLevel
from dropout_service.domain.enums import CourseOutcome, DropoutType, RiskLevel
from dropout_service.models import Course, DropoutPrediction, Enrolment, Student
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.learned import a_model

TODAY = utc_now().date()
MONDAY = TODAY - timedelta(days=TODAY.weekday(), weeks=12)
NO_REASONS: dict[str, list[str]] = {
    name: []
    for name in ("primary_indicators", "secondary_indicators", "recommendations", "missing")
}
EVALUATED = {
    "days": [
        {
            "day": 28,
            "risk_limits": [n / 10 for n in range(1, 10)],
            "risk_shares": [0.5, 0.5, *[0.0] * 8],
        }
    ],
    "comparison": None,
}


@dataclass(frozen=True)
class School:
    """Courses of one database, with predictions of the week of `MONDAY` by one model."""

    manager: DropoutDatabaseManager
    version: str

    def add(self, course: str, students: int, left: int, length_days: int, risk: float) -> None:
        """Add a course that began four weeks before, of which the first students left."""
        as_of = datetime.combine(MONDAY, time(12), UTC)
        with self.manager.database.unit_of_work() as session:
            begins = MONDAY - timedelta(weeks=4)
            dates = CourseDates(begins, length_days)
            named = {"id": course, "module": "m", "presentation": "p", "digest": b""}
            session.add(Course(**named, starts_on=begins, length_days=length_days))
            names = [f"{course}-{n}" for n in range(students)]
            session.add_all(Student(id=name, created_at=as_of, digest=b"") for name in names)
            session.flush()
            is_over = dates.is_over_at(utc_now())
            for n, name in enumerate(names):
                gone = n < left
                outcome = CourseOutcome.WITHDRAWN if gone else CourseOutcome.PASS
                session.add(
                    Enrolment(
                        id=name,
                        student_id=name,
                        course_id=course,
                        unregistered_day=40 if gone else None,
                        outcome=outcome if is_over else None,
                        digest=b"",
                    )
                )
                for hours, made in ((0, 0.99), (1, risk)):
                    session.add(
                        DropoutPrediction(
                            id=f"{name}-{hours}",
                            student_id=name,
                            course=course,
                            version=self.version,
                            risk_score=made,
                            risk_level=RiskLevel.LOW,
                            dropout_type=DropoutType.NO_DROPOUT,
                            base_log_odds=0.0,
                            as_of=as_of + timedelta(hours=hours),
                            created_at=as_of,
                            is_latest=hours == 1,
                            is_overall=False,
                            digest=b"",
                            **NO_REASONS,
                        )
                    )


@pytest.fixture
def school(private_url: str) -> School:
    manager = DropoutDatabaseManager(Database.for_bind(engine_on(private_url)))
    training = {"courses": {"learned": 1}}
    model = manager.models.add(a_model(0.0), Target.WITHDRAWN, training, evaluation=EVALUATED)
    return School(manager, model.id)


def test_the_last_predictions_of_a_week_are_compared_with_the_outcomes(
    school: School, caplog: pytest.LogCaptureFixture
) -> None:
    # With the second risk of 0.2: 240 of 480 left, where 96 were expected.
    school.add("over", students=480, left=240, length_days=70, risk=0.2)
    # The model knew these outcomes.
    school.add("learned", students=30, left=30, length_days=70, risk=0.2)

    stored = school.manager.model_weeks.refresh(), school.manager.model_weeks.refresh()
    [week] = school.manager.model_weeks.search(school.version)

    assert stored == (1, 1)
    assert (week.week, week.predictions, week.known, week.left) == (MONDAY, 480, 480, 240)
    assert week.mean_risk == pytest.approx(0.2)
    assert week.observed_share == 0.5
    assert week.observed_low == pytest.approx(0.4554, abs=1e-4)
    assert week.observed_high == pytest.approx(0.5446, abs=1e-4)
    assert week.expected_left == pytest.approx(96)
    assert week.brier == pytest.approx(0.5 * 0.8**2 + 0.5 * 0.2**2)
    assert week.calibration_error == pytest.approx(0.3)
    # All risks are in the second tenth, where half of those in training were.
    assert week.drift_index == pytest.approx(4.7, abs=0.1)
    assert week.level is WeekLevel.WARNING
    assert "50% left (46% to 54%), 20% were predicted" in week.reasons
    assert caplog.text.count(f"model {school.version}, predictions of the week of") == 1


def test_leavers_of_a_running_course_warn_once_they_exceed_the_prediction(school: School) -> None:
    """Its stayers are not known yet, so its leavers alone would make any model look wrong."""
    school.add("running", students=30, left=20, length_days=200, risk=0.2)

    school.manager.model_weeks.refresh()
    [week] = school.manager.model_weeks.search(school.version)

    assert (week.known, week.mean_risk, week.brier, week.drift_index) == (0, None, None, None)
    assert (week.left, week.level) == (20, WeekLevel.WARNING)
    assert week.reasons == [
        "20 have left already, 6 were expected until the end",
        "outcomes of 0 enrolments are known; 50 are needed",
        "no drift index: 30 predictions were made; 200 are needed",
    ]


def test_restricted_students_and_small_weeks_are_left_out(school: School) -> None:
    school.add("running", students=30, left=0, length_days=200, risk=0.2)
    datastore = DatastoreManager(school.manager.database)
    for name in (f"running-{n}" for n in range(11)):
        datastore.students.add(name, name)
        datastore.restrictions.put(name, actor="office")

    assert school.manager.model_weeks.refresh() == 0
    assert list(school.manager.model_weeks.search(school.version)) == []
