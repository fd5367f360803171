"""Lookups of many rows of the roster, and the ending of many at once, on both stores."""

from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.domain.roster import Organisation, Person, RosterKind

ORGANISATIONS = [Organisation(f"o{n}", f"School {n}") for n in range(3)]


def test_stored_rows_and_students_are_found_by_many_ids(datastore: DatastoreManager) -> None:
    datastore.roster.apply(RosterKind.ORGANISATION, ORGANISATIONS, "oneroster")
    datastore.students.add_many([StudentToStore("Ada", id="s1"), StudentToStore("Bo", id="s2")])
    lookups = datastore.roster_lookups

    assert lookups.stored(RosterKind.ORGANISATION, ["o0", "o2", "o9"]) == {"o0", "o2"}
    assert lookups.stored(RosterKind.PERSON, ["o0"]) == set()
    assert lookups.stored_students([f"s{n}" for n in range(2000)]) == {"s1", "s2"}
    assert lookups.stored_students([]) == set()


def test_many_rows_end_once(datastore: DatastoreManager) -> None:
    people = [Person(f"p{n}", "Emmy") for n in range(3)]
    datastore.roster.apply(RosterKind.PERSON, people, "oneroster")
    lookups = datastore.roster_lookups

    assert lookups.end_many(RosterKind.PERSON, ["p0", "p1", "p9"]) == 2
    assert lookups.end_many(RosterKind.PERSON, ["p0", "p1"]) == 0
    assert lookups.stored(RosterKind.PERSON, ["p0", "p2"]) == {"p0", "p2"}
