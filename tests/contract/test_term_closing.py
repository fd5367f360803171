"""Closing of terms: archived classes, ended relations and leavers, on both stores."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from shared_db.connection.database import Database
from shared_db.errors import ServiceError
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.roster import Record, RosterKind, Term, TermType
from staffstuddash_service.errors import TermNotFound
from staffstuddash_service.migrations import HISTORY
from staffstuddash_service.models import Base
from staffstuddash_service.term_errors import (
    ClassArchived,
    TermClosed,
    TermHasOpenTerms,
    TermNotOver,
)
from tests.support.databases import OpenDatabase, engine_on
from tests.support.dumps import dump
from tests.support.rosters import (
    ONEROSTER,
    a_class,
    a_teaching,
    an_advising,
    an_enrolment,
    fill,
    outcomes,
    periods,
    today,
)

LAST_DAY = today(-10)
OVER = today(-9)


def a_term(id_: str, **changes: object) -> Term:
    """Return a term that ended ten days ago."""
    values = {"type": TermType.SEMESTER, "starts_on": today(-200), "ends_on": LAST_DAY}
    return Term(id_, f"Term {id_}", **{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def school(datastore: DatastoreManager) -> DatastoreManager:
    """Give a school with a past term, an open one, and a class of either, of both and of none."""
    fill(datastore)
    outcomes(datastore, a_term("past"), a_term("open", ends_on=today(100)))
    outcomes(
        datastore,
        a_class("old", term_ids=("past",)),
        a_class("both", term_ids=("past", "open")),
        a_class("new", term_ids=("open",)),
        a_class("none", term_ids=()),
    )
    outcomes(
        datastore,
        an_enrolment("e1", class_id="old", valid_from=today(-200)),
        an_enrolment("e2", class_id="old", student_id="s002", valid_from=today(-200)),
        an_enrolment("e3", class_id="new", student_id="s002", valid_from=today(20)),
        an_enrolment("e4", class_id="both", student_id="s003"),
    )
    outcomes(datastore, a_teaching(class_id="old"), a_teaching(id="l2", class_id="both"))
    outcomes(datastore, an_advising())
    return datastore


def leavers(manager: DatastoreManager, left_by: date | None = None) -> list[tuple[str, date]]:
    found = manager.year_end.search_leavers(left_by=left_by)
    return [(one.student_id, one.left_on) for one in found]


def active_classes(manager: DatastoreManager) -> list[str]:
    return [row.id for row in manager.roster.search(RosterKind.CLASS)]


def test_a_closed_term_archives_its_classes_and_ends_their_relations(
    school: DatastoreManager,
) -> None:
    account = school.year_end.close_term("past")

    assert (account.archived_classes, account.kept_classes) == (1, 1)
    assert (account.ended_enrolments, account.ended_teaching, account.leavers) == (2, 1, 1)
    assert active_classes(school) == ["5a", "both", "new", "none"]
    assert school.roster.get(RosterKind.CLASS, "old").archived_at == account.closed_at
    assert school.roster.get(RosterKind.TERM, "past").closed_at == account.closed_at
    assert [row.id for row in school.roster.search(RosterKind.TERM)] == ["2026", "open"]
    assert periods(school) == [("old", today(-200), OVER)]
    assert periods(school, "s003")[0][2] is None
    assert leavers(school) == [("s001", OVER)]
    assert leavers(school, left_by=LAST_DAY) == []


def test_a_dry_run_has_the_same_account_and_changes_nothing(school: DatastoreManager) -> None:
    before = dump(school.database)
    dry = school.year_end.close_term("past", is_dry=True)

    assert dump(school.database) == before
    done = school.year_end.close_term("past")
    counted = ("archived_classes", "kept_classes", "ended_enrolments", "ended_teaching", "leavers")
    assert [getattr(dry, name) for name in counted] == [getattr(done, name) for name in counted]
    assert (dry.closed_at, dry.is_dry, dry.is_replay) == (None, True, False)


def test_closing_again_changes_nothing(school: DatastoreManager) -> None:
    first = school.year_end.close_term("past")
    before = dump(school.database)
    again = school.year_end.close_term("past")

    assert dump(school.database) == before
    assert again.is_replay
    assert again.closed_at == first.closed_at
    assert (again.archived_classes, again.ended_enrolments, again.leavers) == (0, 0, 1)
    assert school.year_end.close_term("past", is_dry=True).is_replay


def test_a_class_is_archived_with_the_last_of_its_terms(school: DatastoreManager) -> None:
    school.year_end.close_term("past")
    outcomes(school, a_term("open", ends_on=today(-3)))
    account = school.year_end.close_term("open")

    assert (account.archived_classes, account.kept_classes) == (2, 0)
    assert periods(school, "s003")[0][2] == today(-2)
    assert [period[2] for period in periods(school, "s002")] == [today(20), OVER]
    assert leavers(school) == [("s001", OVER), ("s002", OVER), ("s003", today(-2))]


def test_archived_rows_are_read_only(school: DatastoreManager, subtests: pytest.Subtests) -> None:
    cases: list[tuple[Record, type[ServiceError]]] = [
        (an_enrolment("e9", class_id="old", student_id="s003"), ClassArchived),
        (an_enrolment("e9", class_id="old", valid_to=today(-50)), ClassArchived),
        (an_enrolment("e1", class_id="old", valid_from=today(-100)), ClassArchived),
        (a_teaching(id="l9", class_id="old"), ClassArchived),
        (a_class("old", title="Renamed", term_ids=("past",)), ClassArchived),
        (a_class("old", term_ids=("open",)), ClassArchived),
        (a_class("late", term_ids=("past",)), TermClosed),
        (a_class("new", term_ids=("past",)), TermClosed),
        (a_term("past", ends_on=today(-5)), TermClosed),
        (a_term("part", parent_id="past"), TermClosed),
    ]
    school.year_end.close_term("past")
    before = dump(school.database)
    for record, refusal in cases:
        with subtests.test(record=record):
            assert outcomes(school, record) == [refusal.__name__]
            assert dump(school.database) == before


def test_a_file_may_repeat_records_of_the_past_term(school: DatastoreManager) -> None:
    school.year_end.close_term("past")
    before = dump(school.database)

    assert outcomes(school, a_term("past")) == ["repeated"]
    assert outcomes(school, a_class("old", term_ids=("past",))) == ["repeated"]
    enrolment = an_enrolment("e1", class_id="old", valid_from=today(-200))
    assert outcomes(school, enrolment) == ["repeated"]
    assert outcomes(school, a_teaching(class_id="old")) == ["repeated"]
    assert school.roster.end(RosterKind.CLASS, "old").is_replay
    assert dump(school.database) == before
    absent = school.roster.end_absent(RosterKind.CLASS, ONEROSTER, ["5a", "both", "new", "none"])
    assert (absent.absent, absent.stored) == (0, 4)


def test_a_student_can_move_from_an_archived_class_and_is_no_leaver(
    school: DatastoreManager,
) -> None:
    school.year_end.close_term("past")

    assert outcomes(school, an_enrolment("e1", class_id="new", valid_from=today())) == ["changed"]
    assert periods(school) == [("new", today(), None), ("old", today(-200), OVER)]
    assert leavers(school) == []


def test_terms_that_cannot_close_are_refused(school: DatastoreManager) -> None:
    year = a_term("year", type=TermType.SCHOOL_YEAR)
    outcomes(school, year, a_term("part", parent_id="year"), a_term("part2", parent_id="year"))
    outcomes(school, a_term("ends-today", ends_on=today()))

    with pytest.raises(TermNotFound):
        school.year_end.close_term("nowhere")
    with pytest.raises(TermNotOver, match="earlier `ends_on`"):
        school.year_end.close_term("ends-today", is_dry=True)
    with pytest.raises(TermHasOpenTerms, match="part, part2"):
        school.year_end.close_term("year")
    school.year_end.close_term("part")
    school.roster.end(RosterKind.TERM, "part2")
    assert school.year_end.close_term("year").archived_classes == 0


def test_an_erased_student_is_no_leaver(school: DatastoreManager) -> None:
    school.year_end.close_term("past")
    school.students.erase("s001")

    assert leavers(school) == []


def test_two_terms_closed_at_once_archive_their_common_class(
    open_own_database: OpenDatabase,
) -> None:
    manager = DatastoreManager(open_own_database(Base.metadata))
    fill(manager)
    outcomes(manager, a_term("t1"), a_term("t2"))
    outcomes(manager, *(a_class(f"c{n}", term_ids=("t1", "t2")) for n in range(50)))

    with ThreadPoolExecutor() as pool:
        accounts = list(pool.map(manager.year_end.close_term, ("t1", "t2", "t1")))

    assert sum(account.archived_classes for account in accounts) == 50
    assert active_classes(manager) == ["5a"]


def test_enrolments_of_another_worker_end_or_are_refused(open_own_database: OpenDatabase) -> None:
    manager = DatastoreManager(open_own_database(Base.metadata))
    fill(manager, students=30)
    outcomes(manager, a_term("past"), a_term("open", ends_on=today(100)))
    outcomes(manager, a_class("old", term_ids=("past",)))

    def enrol(number: int) -> None:
        record = an_enrolment(f"e{number:03}", class_id="old", student_id=f"s{number:03}")
        outcomes(manager, record)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(enrol, number) for number in range(1, 16)]
        closing = pool.submit(manager.year_end.close_term, "past")
        writers += [pool.submit(enrol, number) for number in range(16, 31)]
        for writer in writers:
            writer.result()

    owner = ("class_id", "old")
    found = manager.roster.search_relations(RosterKind.ENROLMENT, owner, include_ended=True)
    assert len(found) == closing.result().ended_enrolments
    assert all(row.ended_at is not None for row in found)


def test_the_roster_of_an_earlier_release_is_open_and_can_close(private_url: str) -> None:
    engine = engine_on(private_url)
    manager = DatastoreManager(Database.for_bind(engine))
    fill(manager)
    outcomes(manager, a_term("past"))
    outcomes(manager, a_class("old", term_ids=("past",)))
    HISTORY.downgrade(engine, "20261129_published_roster")
    HISTORY.upgrade(engine)

    assert manager.roster.get(RosterKind.TERM, "past").closed_at is None
    assert manager.roster.get(RosterKind.CLASS, "old").archived_at is None
    assert manager.year_end.close_term("past").archived_classes == 1
