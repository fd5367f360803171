"""Roles of persons: the built-in ones, and those of the table."""

import pytest

from shared_db.connection.database import Database
from shared_db.errors import Invalid, NeedsPostgresql
from shared_web.auth.roles import RoleBuiltIn, RoleManager, RoleNotFound
from shared_web.auth.tables import AccessBase, StoredRole
from shared_web.principals import BUILT_IN_ROLES, Permission, Role

READ = frozenset({Permission.STUDENTS_READ, Permission.ROSTER_READ})


@pytest.fixture
def roles(postgres: Database) -> RoleManager:
    return RoleManager(postgres)


def test_a_role_is_stored_replaced_and_deleted(roles: RoleManager) -> None:
    assert roles.find("nurse") is None

    assert roles.put_role("nurse", READ) == (Role("nurse", READ), True)
    found = roles.find("nurse")
    changed = Role("nurse", frozenset({Permission.STUDENTS_READ}), sees_all=True)
    replaced = roles.put_role("nurse", changed.permissions, sees_all=True)

    assert found == Role("nurse", READ)
    assert replaced == (changed, False)
    assert roles.find("nurse") == changed
    assert roles.list_roles() == [*BUILT_IN_ROLES.values(), changed]
    roles.delete_role("nurse")
    assert roles.find("nurse") is None
    with pytest.raises(RoleNotFound):
        roles.delete_role("nurse")


def test_a_built_in_role_is_found_and_stays(roles: RoleManager) -> None:
    assert roles.find("teacher") == BUILT_IN_ROLES["teacher"]
    with pytest.raises(RoleBuiltIn):
        roles.put_role("teacher", READ)
    with pytest.raises(RoleBuiltIn):
        roles.delete_role("teacher")


@pytest.mark.parametrize("name", ["", "Nurse", "a,b", "a:b", "ab\n", "x" * 51])
def test_a_malformed_name_is_refused(roles: RoleManager, name: str) -> None:
    with pytest.raises(Invalid):
        roles.put_role(name, READ)


def test_a_role_without_permissions_is_refused(roles: RoleManager) -> None:
    with pytest.raises(Invalid):
        roles.put_role("nobody", [])


def test_roles_are_cached_for_the_configured_time(postgres: Database) -> None:
    caching, other = RoleManager(postgres, cache_seconds=60), RoleManager(postgres)
    assert caching.find("nurse") is None
    other.put_role("nurse", READ)

    assert caching.find("nurse") is None
    assert other.find("nurse") == Role("nurse", READ)
    caching.put_role("tutor", READ)
    assert caching.find("nurse") == Role("nurse", READ)


def test_permissions_of_a_newer_release_are_ignored(postgres: Database, roles: RoleManager) -> None:
    roles.put_role("nurse", READ)
    with postgres.unit_of_work() as session:
        session.get_one(StoredRole, "nurse").permissions += " students.teleport"

    assert roles.find("nurse") == Role("nurse", READ)


def test_the_in_memory_store_has_the_built_in_roles_alone() -> None:
    roles = RoleManager(Database.in_memory(AccessBase.metadata))

    assert roles.find("nurse") is None
    assert roles.find("student") == BUILT_IN_ROLES["student"]
    assert roles.list_roles() == list(BUILT_IN_ROLES.values())
    with pytest.raises(NeedsPostgresql):
        roles.put_role("nurse", READ)
