"""Persons among the staff and students: the look-up by login, and the role that follows."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, text

from shared_db.connection.database import Database
from shared_db.errors import NeedsPostgresql
from shared_web.auth.persons import PersonLookup
from shared_web.auth.roles import RoleManager
from shared_web.principals import BUILT_IN_ROLES, Permission, Principal
from shared_web.problems import Forbidden
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.roster import IdentifierKind, RosterKind
from staffstuddash_service.models import Base
from tests.support.databases import role_of, service_database
from tests.support.rosters import a_person, an_identifier
from tests.support.services import PARTS


def lookup(database: Database, **seconds: float) -> PersonLookup:
    times = {"cache_seconds": 0.0, "outage_seconds": 0.0, **seconds}
    return PersonLookup(database, RoleManager(database).find, **times)


@pytest.fixture
def database(connection: Connection) -> Database:
    return service_database(connection, Base.metadata)


@pytest.fixture
def find(datastore: DatastoreManager, database: Database) -> Any:
    """Give a function that finds a person."""
    assert datastore
    persons = lookup(database)
    return lambda *asked: asyncio.run(persons.find(*asked))


def refusal(find: Any, *asked: Any) -> str:
    with pytest.raises(Forbidden) as refused:
        find(*asked)
    return refused.value.detail


@pytest.mark.parametrize(
    ("login", "person_id", "role"),
    [
        ("teacher@school.example", "p-teacher", "teacher"),
        ("TEACHER@SCHOOL.example", "p-teacher", "teacher"),
        ("u-teacher", "p-teacher", "teacher"),
        ("p-teacher", "p-teacher", "teacher"),
        ("aide@school.example", "p-aide", "teacher"),
        ("advisor@school.example", "p-advisor", "advisor"),
        # The roster, which other systems write, makes no principals.
        ("principal@school.example", "p-principal", "advisor"),
        ("administrator@school.example", "p-administrator", "advisor"),
        ("ada@school.example", "s001", "student"),
        ("s001", "s001", "student"),
        ("bob@SCHOOL.example", "s002", "student"),
        ("bob", "s002", "student"),
    ],
)
def test_a_login_leads_to_one_person(find: Any, login: str, person_id: str, role: str) -> None:
    found: Principal = find(login)

    assert found.name == person_id
    assert found.permissions == BUILT_IN_ROLES[role].permissions
    assert found.person is not None
    assert (found.person.id, found.person.roles) == (person_id, (role,))
    assert not found.person.sees_all
    assert found.log_name == "token for a person"


@pytest.mark.parametrize("login", ["U-Teacher", "BOB", "P-teacher", "nobody", "%", "p-teacher "])
def test_other_logins_lead_to_nobody(find: Any, login: str) -> None:
    assert "nobody of this login" in refusal(find, login)


def test_nobody_of_the_roster_has_the_roles_of_the_token_alone(find: Any) -> None:
    found: Principal = find("guest@school.example", ("teacher",))

    assert found.name == "guest@school.example"
    assert found.person is not None
    assert found.person.id is None
    assert not found.person.sees_all


def test_several_roles_of_the_token_are_united(find: Any) -> None:
    found: Principal = find("teacher@school.example", ("student", "principal"))

    principal, student = BUILT_IN_ROLES["principal"], BUILT_IN_ROLES["student"]
    assert found.permissions == principal.permissions | student.permissions
    assert found.person is not None
    assert found.person.sees_all


def test_a_role_that_was_given_comes_before_the_default(
    find: Any, datastore: DatastoreManager, connection: Connection
) -> None:
    roles = RoleManager(Database.for_bind(connection, role="none"))
    roles.put_role("dean", [Permission.EXPORT], sees_all=True)
    datastore.person_access.give("p-teacher", "dean", actor="test")

    given: Principal = find("u-teacher")
    assert given.permissions == {Permission.EXPORT}
    assert given.person is not None
    assert given.person.sees_all
    # The issuer's decision comes first.
    assert find("u-teacher", ("student",)).permissions == BUILT_IN_ROLES["student"].permissions

    roles.delete_role("dean")
    assert "has no role" in refusal(find, "u-teacher")


def test_revoked_and_ended_people_are_refused(find: Any, datastore: DatastoreManager) -> None:
    datastore.person_access.revoke("p-teacher", actor="test")
    datastore.roster.end(RosterKind.PERSON, "p-advisor")

    for roles in ((), ("admin",)):
        assert "revoked" in refusal(find, "u-teacher", roles)
    assert "nobody of this login" in refusal(find, "u-advisor")

    datastore.person_access.give("p-teacher", "advisor", actor="test")
    assert find("u-teacher").person.roles == ("advisor",)


def test_erased_and_merged_students_lead_to_nobody(find: Any, datastore: DatastoreManager) -> None:
    datastore.merging.merge("s001", "s900", actor="test")
    datastore.students.delete("s002", actor="test")

    for login in ("s001", "s002", "bob", "bob@school.example"):
        assert "nobody of this login" in refusal(find, login)
    assert find("s900").name == "s900"


@pytest.mark.parametrize(
    ("login", "person"),
    [
        ("teacher@school.example", a_person("p9", email="Teacher@school.example")),
        ("ada@school.example", a_person("p9", email="ada@school.example")),
        ("bob", a_person("p9", username="bob")),
        ("u-teacher", a_person("u-teacher")),
        # Of the same id as a student.
        ("ada@school.example", a_person("s001", email="else@school.example")),
        ("else@school.example", a_person("s001", email="else@school.example")),
    ],
)
def test_two_persons_of_one_login_are_refused(
    find: Any, datastore: DatastoreManager, login: str, person: Any
) -> None:
    datastore.roster.apply(RosterKind.PERSON, [person], "oneroster")

    for roles in ((), ("admin",)):
        assert "Several persons" in refusal(find, login, roles)
    datastore.roster.end(RosterKind.PERSON, person.id)
    assert find(login.replace("else", "ada")).person.id is not None


def test_accounts_of_two_students_in_two_systems_are_refused(
    find: Any, datastore: DatastoreManager
) -> None:
    same = an_identifier(student_id="s001", system="library", value="bob")
    card = an_identifier(student_id="s001", kind=IdentifierKind.ID, value="u-teacher")
    datastore.roster.apply(RosterKind.IDENTIFIER, [same, card], "oneroster")

    assert "Several persons" in refusal(find, "bob")
    assert find("u-teacher").name == "p-teacher"


def test_a_person_is_looked_up_once_in_the_cache_time(
    datastore: DatastoreManager, database: Database
) -> None:
    persons = lookup(database, cache_seconds=3600)

    async def ask() -> set[str]:
        found = await asyncio.gather(*(persons.find("u-teacher") for _ in range(20)))
        return {one.name for one in found}

    assert asyncio.run(ask()) == {"p-teacher"}
    datastore.person_access.revoke("p-teacher", actor="test")
    assert asyncio.run(ask()) == {"p-teacher"}
    assert "revoked" in refusal(
        lambda *asked: asyncio.run(lookup(database).find(*asked)), "u-teacher"
    )


def test_rows_in_memory_cannot_be_limited_to_a_person() -> None:
    database = Database.in_memory(Base.metadata)

    with pytest.raises(NeedsPostgresql):
        asyncio.run(lookup(database).find("u-teacher"))
    database.close()


@pytest.mark.parametrize("service", PARTS)
def test_every_service_finds_persons_without_reading_their_tables(
    datastore: DatastoreManager, connection: Connection, service: str
) -> None:
    assert datastore
    database = service_database(connection, PARTS[service].metadata)

    assert asyncio.run(lookup(database).find("u-teacher")).name == "p-teacher"
    with database.reading() as session:
        query = "SELECT has_table_privilege('staffstuddash.people', 'SELECT')"
        assert session.scalar(text(query)) is (service == "staffstuddash")


def test_nobody_else_may_call_the_look_up(connection: Connection) -> None:
    query = "SELECT proacl FROM pg_proc WHERE oid = 'staffstuddash.find_person(text)'::regprocedure"
    granted = str(connection.scalar(text(query)))
    callers = {entry.partition("=")[0] for entry in granted.strip("{}").split(",")}

    assert callers == {*(role_of(parts.metadata) for parts in PARTS.values()), owner(connection)}


def owner(connection: Connection) -> str:
    query = (
        "SELECT pg_get_userbyid(proowner) FROM pg_proc"
        " WHERE oid = 'staffstuddash.find_person(text)'::regprocedure"
    )
    return str(connection.scalar(text(query)))
