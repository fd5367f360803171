"""Deletion by age on both stores: as announced, without held students, derived values right."""

import pytest
from sqlalchemy import select

from monitoring_service.database import MonitoringDatabase
from shared_db.retention.turn import turn
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.errors import StudentErased, StudentHeld
from staffstuddash_service.models import ConceptStanding
from tests.support.ageing import ago, deleted
from tests.support.rosters import a_class, a_teaching, an_advising, an_enrolment, fill, outcomes
from tests.support.rosters import today as day


def test_without_a_setting_all_rows_stay(datastore: DatastoreManager) -> None:
    datastore.add_student("s001", "Ada")
    datastore.add_draft("s001", "essay", "Text", timestamp=ago(9999))

    assert deleted(datastore, {}) == {}
    assert len(datastore.drafts.search_by_student("s001").items) == 1
    [drafts] = [one for one in datastore.retention.account({}) if one.table == "drafts"]
    assert (drafts.days, drafts.due, drafts.oldest) == (None, 0, ago(9999).date())


def test_records_follow_marks_and_drafts(datastore: DatastoreManager) -> None:
    for student in ("s001", "s002"):
        datastore.add_student(student, "Ada")
        for age, score in ((40, 10), (30, 20), (29, 90)):
            datastore.add_assessment(
                student, "quiz", "Math", score, topic=f"t{age}", timestamp=ago(age)
            )
            datastore.add_draft(student, "essay", f"Text of {age}.", timestamp=ago(age))
    limits = {"marks": 30, "drafts": 35}

    # The thirtieth day before today is not yet thirty whole days old.
    assert deleted(datastore, limits) == {"assessment_logs": 2, "drafts": 2}
    record = datastore.get_performance_record("s001")
    assert (record.assessment_count, record.mean_percentage, record.draft_count) == (2, 55, 2)
    with datastore.database.unit_of_work() as session:
        topics = session.scalars(select(ConceptStanding.concept)).all()
    assert sorted(topics) == ["t29", "t29", "t30", "t30"]
    [marks] = [one for one in datastore.retention.account(limits) if one.table == "assessment_logs"]
    assert (marks.due, marks.oldest) == (0, ago(30).date())


def test_a_held_student_is_skipped_and_not_erased(datastore: DatastoreManager) -> None:
    for student in ("s001", "s002"):
        datastore.add_student(student, "Ada")
        datastore.add_assessment(student, "quiz", "Math", 50, timestamp=ago(100))
        datastore.actions.add(student, "teacher", "call", timestamp=ago(100))
    datastore.holds.put("s001", "complaint 17", actor="office")
    limits = {"marks": 30, "actions": 30}
    accounts = datastore.retention.account(limits)

    assert deleted(datastore, limits) == {"assessment_logs": 1, "action_logs": 1}
    held = {one.table: one.held for one in accounts if one.days}
    assert held == {"assessment_logs": 1, "action_logs": 1}
    with pytest.raises(StudentHeld):
        datastore.students.erase("s001")
    with pytest.raises(StudentHeld):
        datastore.students.delete("s001", actor="office")
    assert len(datastore.assessments.search_by_student("s001").items) == 1

    datastore.holds.lift("s001", actor="office")
    assert deleted(datastore, limits) == {"assessment_logs": 1, "action_logs": 1}
    assert datastore.students.erase("s001")["students"] == 1


def test_a_merge_keeps_the_hold_of_either_student(datastore: DatastoreManager) -> None:
    for student in ("s001", "s002", "s003"):
        datastore.add_student(student, "Ada")
    datastore.holds.put("s001", "first", actor="office")
    first = datastore.merging.merge("s001", "s002", actor="office")
    datastore.holds.put("s003", "second", actor="office")
    second = datastore.merging.merge("s003", "s002", actor="office")

    assert (first.moved["holds"], first.conflicts["holds"]) == (1, 0)
    assert (second.moved["holds"], second.conflicts["holds"]) == (0, 1)
    assert datastore.holds.get("s002").reason == "first\nsecond"
    for id_ in ("s001", "s002"):
        with pytest.raises(StudentHeld):
            datastore.students.erase(id_)


def test_relations_of_past_years_go_and_the_last_enrolment_stays(
    datastore: DatastoreManager,
) -> None:
    fill(datastore)
    past = {"valid_from": day(-900), "valid_to": day(-500)}
    outcomes(datastore, a_class("6a"), a_class("7a"))
    outcomes(
        datastore,
        an_enrolment("old", **past),
        an_enrolment("older", class_id="6a", valid_from=day(-999), valid_to=day(-900)),
        an_enrolment("again", class_id="7a", student_id="s002", **past),
        an_enrolment("now", class_id="5a", student_id="s002"),
    )
    outcomes(datastore, a_teaching(id="taught", **past), a_teaching(id="teaches", class_id="6a"))
    outcomes(datastore, an_advising(**past))

    assert deleted(datastore, {"roster": 500}) == {
        "enrolments": 2,
        "teaching_assignments": 1,
        "advising_assignments": 1,
    }
    assert [one.student_id for one in datastore.year_end.search_leavers()] == ["s001"]
    assert deleted(datastore, {"roster": 1}) == {}


def test_leavers_are_erased_so_many_days_after_their_last_enrolment(
    datastore: DatastoreManager,
) -> None:
    fill(datastore)
    for number, end in ((1, -30), (2, -29), (3, -400)):
        student = f"s00{number}"
        outcomes(
            datastore,
            an_enrolment(
                f"of {student}", student_id=student, valid_from=day(-500), valid_to=day(end)
            ),
        )
    datastore.holds.put("s003", "complaint", actor="office")
    limits = {"leavers": 30}
    [leavers] = [one for one in datastore.retention.account(limits) if one.kind == "leavers"]
    report = datastore.retention.run(limits)

    assert (leavers.table, leavers.due, leavers.held) == ("students", 1, 1)
    assert leavers.oldest == day(-400)
    assert (report.deleted["students"], report.deleted["enrolments"]) == (1, 1)
    with pytest.raises(StudentErased):
        datastore.get_student("s001")
    assert datastore.get_student("s002").id == "s002"
    assert datastore.get_student("s003").id == "s003"
    erased = [one.actor for one in datastore.actions.search() if one.action == "student.erased"]
    assert erased == ["retention"]


def test_events_of_monitoring_go_with_their_results(monitoring: MonitoringDatabase) -> None:
    for age in (40, 30, 1):
        monitoring.add_log("api", "request", data={"response_time": 99_999}, timestamp=ago(age))
        monitoring.health.record(ago(age))

    assert deleted(monitoring, {"monitoring": 30}) == {
        "monitoring_logs": 1,
        "monitoring_results": 1,
        "source_states": 1,
        "system_health": 1,
    }
    assert monitoring.get_statistics()["total_logs"] == 2


def test_a_second_run_at_the_same_time_is_skipped(datastore: DatastoreManager) -> None:
    datastore.add_student("s001", "Ada")
    datastore.add_draft("s001", "essay", "Text", timestamp=ago(99))

    with turn(datastore.database, "retention of staffstuddash") as is_first:
        report = datastore.retention.run({"drafts": 30})

    assert is_first
    assert report.is_skipped
    assert report.rows == 0
    assert datastore.retention.run({"drafts": 30}).rows == 1


def test_a_run_without_time_deletes_nothing_and_says_so(datastore: DatastoreManager) -> None:
    datastore.add_student("s001", "Ada")
    datastore.add_draft("s001", "essay", "Text", timestamp=ago(99))

    report = datastore.retention.run({"drafts": 30}, most_seconds=0)

    assert (report.rows, report.is_complete) == (0, False)
