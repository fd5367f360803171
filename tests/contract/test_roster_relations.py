"""Relations of the roster: history, endings, sources, and concurrent writers."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.roster.ending import Absent
from staffstuddash_service.domain.roster import (
    RosterKind,
    record_key,
)
from staffstuddash_service.errors import (
    RelationNotFound,
    RosterEnded,
)
from staffstuddash_service.models import Base, EnrolmentRow
from tests.support.databases import OpenDatabase
from tests.support.dumps import dump
from tests.support.rosters import (
    ONEROSTER,
    a_class,
    a_guardian,
    a_teaching,
    an_advising,
    an_enrolment,
    an_identifier,
    fill,
    outcomes,
    periods,
    today,
)


@pytest.fixture
def school(datastore: DatastoreManager) -> DatastoreManager:
    """Give a school of three students, two classes and a teacher."""
    fill(datastore, classes=("5a", "5b"))
    return datastore


def age(manager: DatastoreManager, days: int) -> None:
    """Make all enrolments end so many days earlier, as if time had passed."""
    with manager.database.unit_of_work() as session:
        session.execute(update(EnrolmentRow).values(valid_to=today(-days)))


def test_a_change_of_class_keeps_the_history(school: DatastoreManager) -> None:
    outcomes(school, an_enrolment(valid_from=today(-50)))

    assert outcomes(school, an_enrolment(class_id="5b", valid_from=today(-50))) == ["changed"]

    assert periods(school) == [("5a", today(-50), today()), ("5b", today(), None)]
    assert outcomes(school, an_enrolment(class_id="5b", valid_from=today(-50))) == ["repeated"]


def test_a_student_returns_after_a_withdrawal(school: DatastoreManager) -> None:
    outcomes(school, an_enrolment(valid_from=today(-50)))
    school.roster.end_absent(RosterKind.ENROLMENT, ONEROSTER, [])
    age(school, 10)

    assert outcomes(school, an_enrolment(valid_from=today(-50))) == ["changed"]

    assert periods(school) == [("5a", today(-50), today(-10)), ("5a", today(), None)]
    assert outcomes(school, an_enrolment(valid_from=today(-50))) == ["repeated"]


def test_a_relation_that_ended_by_mistake_today_goes_on(school: DatastoreManager) -> None:
    outcomes(school, an_enrolment(valid_from=today(-50)))
    school.roster.end_absent(RosterKind.ENROLMENT, ONEROSTER, [])

    assert outcomes(school, an_enrolment(valid_from=today(-50))) == ["changed"]
    assert periods(school) == [("5a", today(-50), None)]


def test_absent_rows_of_a_source_end(school: DatastoreManager) -> None:
    outcomes(school, an_enrolment(), an_enrolment("e2", student_id="s002"))
    outcomes(school, an_enrolment("m1", student_id="s003"), source="manual")
    end = school.roster.end_absent

    assert end(RosterKind.ENROLMENT, ONEROSTER, ["e1"], is_dry=True) == Absent(1, 2)
    assert end(RosterKind.ENROLMENT, ONEROSTER, ["e1"]) == Absent(1, 2)
    assert end(RosterKind.ENROLMENT, ONEROSTER, ["e1"]) == Absent(0, 1)

    assert periods(school, "s001") == [("5a", None, None)]
    assert periods(school, "s002") == [("5a", None, today())]
    assert periods(school, "s003") == [("5a", None, None)]


def test_many_absent_rows_end_in_batches(school: DatastoreManager) -> None:
    classes = [a_class(f"c{number:04}") for number in range(2100)]
    school.roster.apply(RosterKind.CLASS, classes, "csv")

    kept = [record.id for record in classes[::100]]
    assert school.roster.end_absent(RosterKind.CLASS, "csv", kept) == Absent(2079, 2100)

    left = school.roster.search(RosterKind.CLASS, limit=1000)
    assert [row.id for row in left] == ["5a", "5b", *kept]


def test_absent_identifiers_and_guardians_are_deleted(school: DatastoreManager) -> None:
    kept = an_identifier(value="kept")
    outcomes(school, an_identifier(value="xanthippe"), kept)
    outcomes(school, a_guardian(name="Xanthippe"))

    gone = school.roster.end_absent(RosterKind.IDENTIFIER, ONEROSTER, [record_key(kept)])
    school.roster.end_absent(RosterKind.GUARDIAN, ONEROSTER, [])

    assert gone == Absent(1, 2)
    assert "xanthippe" not in dump(school.database).lower()


def test_relations_end_with_their_class_and_person(school: DatastoreManager) -> None:
    outcomes(school, an_enrolment(), an_enrolment("e2", class_id="5b"))
    outcomes(school, a_teaching())
    outcomes(school, an_advising())

    school.roster.end(RosterKind.CLASS, "5a")
    school.roster.end(RosterKind.PERSON, "t1")

    assert periods(school) == [("5a", None, today()), ("5b", None, None)]
    for kind, owner in ((RosterKind.TEACHING, "5a"), (RosterKind.ADVISING, "t1")):
        field = "class_id" if kind is RosterKind.TEACHING else "person_id"
        assert list(school.roster.search_relations(kind, (field, owner))) == []
    assert outcomes(school, an_enrolment("e3", student_id="s002")) == [RosterEnded.__name__]
    past = an_enrolment("e4", student_id="s002", valid_to=today(-1))
    assert outcomes(school, past) == ["stored"]
    assert outcomes(school, a_class()) == ["changed"]
    assert school.roster.get(RosterKind.CLASS, "5a").ended_at is None


def test_equal_content_by_hand_leaves_a_row_to_its_source(school: DatastoreManager) -> None:
    assert school.roster.replace(a_class()).is_replay
    assert school.roster.get(RosterKind.CLASS, "5a").source == ONEROSTER
    school.roster.replace(a_class(title="Other"))
    assert school.roster.get(RosterKind.CLASS, "5a").source == "manual"
    assert outcomes(school, a_class()) == ["changed"]
    assert school.roster.get(RosterKind.CLASS, "5a").source == ONEROSTER


def test_relating_begins_changes_and_separates(school: DatastoreManager) -> None:
    first = school.roster.relate(an_enrolment(""))
    again = school.roster.relate(an_enrolment(""))
    longer = school.roster.relate(an_enrolment("", valid_to=today(9)))

    assert (first.is_new, again.is_replay, longer.is_replay) == (True, True, False)
    assert first.row.id == again.row.id == longer.row.id
    assert periods(school) == [("5a", today(), today(9))]

    ends = {"class_id": "5a", "student_id": "s001"}
    ended = school.roster.separate(RosterKind.ENROLMENT, **ends)
    assert (ended.row.valid_to, ended.is_replay) == (today(), False)
    assert school.roster.separate(RosterKind.ENROLMENT, **ends).is_replay
    with pytest.raises(RelationNotFound, match="class 5B and student s001"):
        school.roster.separate(RosterKind.ENROLMENT, class_id="5B", student_id="s001")

    assert school.roster.relate(an_enrolment("")).is_new
    assert len(periods(school)) == 2


def test_a_relation_of_the_future_ends_with_its_beginning(school: DatastoreManager) -> None:
    school.roster.relate(an_enrolment("", valid_from=today(5)))
    school.roster.separate(RosterKind.ENROLMENT, class_id="5a", student_id="s001")

    assert periods(school) == [("5a", today(5), today(5))]


def test_concurrent_requests_begin_one_relation(open_own_database: OpenDatabase) -> None:
    manager = DatastoreManager(open_own_database(Base.metadata))
    fill(manager)

    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: manager.roster.relate(an_enrolment("")), range(16)))
        taught = list(pool.map(lambda _: manager.roster.relate(a_teaching(id="")), range(16)))

    assert [row.is_new for row in rows].count(True) == 1
    assert [row.is_new for row in taught].count(True) == 1
    assert len(periods(manager)) == 1


def test_two_imports_of_the_same_file_store_each_record_once(
    open_own_database: OpenDatabase,
) -> None:
    manager = DatastoreManager(open_own_database(Base.metadata))
    fill(manager, students=40)
    records = [an_enrolment(f"e{n:03}", student_id=f"s{n:03}") for n in range(1, 41)]

    def run(number: int) -> list[str]:
        return outcomes(manager, *(records if number % 2 else reversed(records)))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, range(4)))

    assert sum(run.count("stored") for run in found) >= 40
    assert {outcome for run in found for outcome in run} <= {"stored", "repeated", "changed"}
    assert len(periods(manager, "s007")) == 1


def test_an_import_and_an_erasure_leave_no_rows(open_own_database: OpenDatabase) -> None:
    manager = DatastoreManager(open_own_database(Base.metadata))
    fill(manager, students=8)

    def act(number: int) -> None:
        if number == 5:
            manager.students.erase("s001")
        else:
            outcomes(manager, an_enrolment(f"e{number}"), an_enrolment("o", student_id="s002"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(12)))

    assert "s001" not in dump(manager.database)
