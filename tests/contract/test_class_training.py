"""Training sets from classes of the roster: finished classes, leavers and features."""

import numpy as np
import pytest

from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enums import CourseOutcome
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.models import Course, Enrolment
from dropout_service.training_errors import CourseInProgress, NoFinishedCourse, PresentationNotFound
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.domain.roster import RosterKind
from tests.support.past_terms import LENGTH, PastSchool, day_of

NAMES = ("ada", "bob", "cy", "dee", "eve", "fay")


@pytest.fixture
def school(postgres: Database) -> PastSchool:
    """Give a school with the students in the class a1 of the autumn, which is over."""
    opened = PastSchool(postgres)
    opened.add_students(*NAMES)
    opened.add_class("a1", "autumn")
    return opened


def rows(school: PastSchool, day: int, *classes: str) -> EnrolmentRows:
    return school.dropout.training_sets.get_rows(day, classes or ("a1",), Target.WITHDRAWN)


def left(school: PastSchool, day: int, *classes: str) -> dict[str, bool]:
    """Return the students of the rows, and whether they left."""
    found = rows(school, day, *classes)
    return dict(zip(found["student_id"].tolist(), (found["label"] == 1).tolist(), strict=True))


def value(school: PastSchool, name: str, student: str, day: int) -> float:
    found = rows(school, day)
    return float(found[name][found["student_id"] == student][0])


def test_students_who_are_enrolled_on_none_of_the_last_14_days_left(school: PastSchool) -> None:
    for student, end in (("ada", None), ("bob", LENGTH - 13), ("cy", LENGTH - 14), ("dee", 20)):
        school.enrol("a1", "autumn", student, end=end)
    school.enrol("a1", "autumn", "eve", first=30, end=LENGTH + 5)
    school.enrol("a1", "autumn", "fay", first=0, end=10)
    school.enrol("a1", "autumn", "fay", first=40)

    assert left(school, 0) == {"ada": False, "bob": False, "cy": True, "dee": True, "fay": False}
    assert left(school, 19) == {"ada": False, "bob": False, "cy": True, "dee": True}
    assert left(school, 20) == {"ada": False, "bob": False, "cy": True}
    assert left(school, 42) == {
        "ada": False,
        "bob": False,
        "cy": True,
        "eve": False,
        "fay": False,
    }
    assert left(school, LENGTH - 1) == {"ada": False, "eve": False, "fay": False}
    assert left(school, LENGTH) == {}


def test_a_change_to_another_class_of_the_course_is_no_dropout(school: PastSchool) -> None:
    school.add_class("a2", "autumn")
    school.add_class("art", "autumn", course_id=None)
    school.add_class("b1", "spring")
    school.enrol("a1", "autumn", *NAMES[:4], end=30)
    school.enrol("a2", "autumn", "ada", first=30)
    school.enrol("a2", "autumn", "bob", first=32, end=45)
    school.enrol("art", "autumn", "cy", first=30)
    # No end, and the class of the next term has begun after this one was over.
    school.enrol("b1", "spring", "dee", first=None)

    assert left(school, 14) == {"ada": False, "bob": True, "cy": True, "dee": True}
    assert left(school, 42, "a1", "a2") == {"ada": False, "bob": True}


def test_closing_a_term_ends_classes_and_is_no_dropout(school: PastSchool) -> None:
    school.enrol("a1", "autumn", "ada", "bob")
    school.enrol("a1", "autumn", "cy", end=20)

    school.datastore.year_end.close_term("autumn")

    assert left(school, 14) == {"ada": False, "bob": False, "cy": True}
    assert school.dropout.training_sets.get_courses(["autumn"]) == ["a1"]


def test_classes_that_are_not_over_are_left_out(school: PastSchool) -> None:
    school.enrol("a1", "autumn", "ada")
    for id_, term_ids in (("now", ("now",)), ("both", ("autumn", "now")), ("none", ())):
        school.add_class(id_, "", term_ids=term_ids)
        school.enrol(id_, "autumn", "ada")
    school.add_class("empty", "autumn")
    school.add_class("short", "autumn")
    school.enrol("short", "autumn", "ada")
    sets = school.dropout.training_sets

    found = sets.get_by_state(utc_now())

    assert found.ids == ["a1", "short"]
    assert found.presentations == ["autumn"]
    last_day = day_of("now", LENGTH - 1)
    assert found.left_out == {
        "both": f"runs until {last_day}",
        "empty": "has no enrolments",
        "none": "is in no stored term",
        "now": f"runs until {last_day}",
    }
    assert sets.get_courses(["autumn"]) == ["a1", "short"]
    assert sets.get_courses(["a1"]) == ["a1"]
    with pytest.raises(CourseInProgress, match=f"both runs until {last_day}"):
        sets.get_courses(["now"])
    with pytest.raises(NoFinishedCourse, match="none is in no stored term"):
        sets.get_courses(["none"])
    with pytest.raises(PresentationNotFound, match="called winter"):
        sets.get_courses(["winter"])


def test_a_class_knows_no_failures(school: PastSchool) -> None:
    school.enrol("a1", "autumn", "ada")

    found = school.dropout.training_sets.get_by_state(utc_now(), Target.WITHDRAWN_OR_FAIL)

    assert found.left_out == {"a1": "is a class of the roster, of which only the leavers are known"}


def test_a_class_that_was_ended_by_hand_has_no_leavers_by_that(school: PastSchool) -> None:
    school.add_class("now", "now")
    school.enrol("now", "now", "ada")
    school.enrol("now", "now", "bob", end=10)
    school.datastore.roster.end(RosterKind.CLASS, "now")

    assert left(school, 7, "now") == {"ada": False, "bob": True}


def test_restricted_and_erased_students_are_left_out(school: PastSchool) -> None:
    school.enrol("a1", "autumn", "ada", "bob", "cy", end=30)
    school.datastore.restrictions.put("ada", "objection", actor="office")
    school.datastore.students.erase("bob")

    assert left(school, 14) == {"cy": True}


def test_merged_students_have_one_row(school: PastSchool) -> None:
    school.enrol("a1", "autumn", "ada", end=30)
    school.enrol("a1", "autumn", "bob", first=25)

    school.datastore.merging.merge("ada", "bob", actor="office")

    assert left(school, 14) == {"bob": False}


def test_an_imported_course_precedes_a_class_of_its_id(school: PastSchool) -> None:
    school.enrol("a1", "autumn", "ada")
    found = rows(school, 14)
    assert (found["presentation"].tolist(), found["module"].tolist()) == (["autumn"], ["math"])
    imported = {"module": "m", "presentation": "1", "starts_on": day_of("autumn", 0)}
    with school.dropout.database.unit_of_work() as session:
        session.add(Course(id="a1", length_days=LENGTH, digest=b"0", **imported))

    assert left(school, 14) == {}
    assert school.dropout.training_sets.get_by_state(utc_now()).left_out == {
        "a1": "has no enrolments"
    }


def test_marks_and_events_later_than_the_day_never_count(school: PastSchool) -> None:
    school.enrol("a1", "autumn", *NAMES)
    school.work("a1", "autumn", "ada", 3, 20)
    school.work("a1", "autumn", "bob", 20)
    school.mark("autumn", "ada", 20, 80)
    school.mark("autumn", "ada", 22, 40)
    school.mark("autumn", "ada", 22, 10, "Physics")
    unknown = rows(school, 2)
    before, after = rows(school, 19), rows(school, 20)

    assert not unknown["has_activity"].any()
    assert np.isnan(unknown["days_since_activity"]).all()
    assert np.isnan(before["assessments_handed_in"]).all()
    assert np.isnan(before["score_mean"]).all()
    assert before["active_days_28"].tolist() == [1, 0, 0, 0, 0, 0]
    # Since the day before the stream began, for those without an event.
    assert before["days_since_activity"].tolist() == [16, 17, 17, 17, 17, 17]
    assert after["assessments_handed_in"].tolist() == [1, 0, 0, 0, 0, 0]
    assert after["score_mean"][0] == 80
    assert after["active_days_28"].tolist() == [2, 1, 0, 0, 0, 0]
    later = rows(school, 28)
    assert (later["score_mean"][0], later["last_score"][0], later["score_trend"][0]) == (
        60,
        40,
        -40,
    )
    assert later["days_since_submission"][0] == 6


def test_what_a_class_does_not_have_is_unknown(school: PastSchool) -> None:
    school.enrol("a1", "autumn", "ada", "bob")
    school.work("a1", "autumn", "ada", 3)
    school.mark("autumn", "ada", 5, 80)
    found = rows(school, 14)

    for name in (
        "credits",
        "previous_attempts",
        "assessments_due",
        "assessments_missed",
        "missed_last_two",
        "assessments_banked",
        "weight_done_share",
        "mean_lead_days",
        "clicks_per_week_28",
        "clicks_total",
        "resource_types",
    ):
        assert np.isnan(found[name]).all(), name


def test_only_days_on_which_the_student_is_enrolled_count(school: PastSchool) -> None:
    school.enrol("a1", "autumn", "ada", first=0, end=10)
    school.enrol("a1", "autumn", "ada", first=20)
    school.enrol("a1", "autumn", "bob", first=None)
    school.work("a1", "autumn", "ada", 5, 15, 21)
    for day, score in ((6, 90), (15, 10), (22, 70)):
        school.mark("autumn", "ada", day, score)

    assert value(school, "active_days_28", "ada", 25) == 2
    assert value(school, "score_mean", "ada", 25) == 80
    assert value(school, "registration_lead_percentile", "ada", 25) == 0
    assert np.isnan(value(school, "registration_lead_percentile", "bob", 25))


def test_classes_and_imported_courses_are_read_together(school: PastSchool) -> None:
    school.enrol("a1", "autumn", "ada")
    school.enrol("a1", "autumn", "bob", end=30)
    imported = {"module": "m", "presentation": "2013J", "starts_on": day_of("autumn", 0)}
    school.dropout.students.add("cy")
    with school.dropout.database.unit_of_work() as session:
        session.add(Course(id="m-2013J", length_days=LENGTH, digest=b"0", **imported))
        session.flush()
        session.add(
            Enrolment(
                id="e1",
                student_id="cy",
                course_id="m-2013J",
                outcome=CourseOutcome.PASS,
                digest=b"0",
            )
        )
    found = school.dropout.training_sets.get_by_state(utc_now())

    both = rows(school, 14, *found.ids)

    assert (found.ids, found.presentations) == (["a1", "m-2013J"], ["2013J", "autumn"])
    assert both["presentation"].tolist() == ["2013J", "autumn", "autumn"]
    assert both["label"].tolist() == [0, 0, 1]
    assert len(set(both["enrolment_id"].tolist())) == 3
