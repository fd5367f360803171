"""Limit of what a caller may grant: nobody gives a key or a role more than they have."""

from collections.abc import Iterable

from shared_db.connection.persons import not_for_persons
from shared_web.principals import Permission, Principal
from shared_web.problems import Forbidden


def require_grantable(
    caller: Principal, permissions: Iterable[Permission], *, sees_all: bool
) -> None:
    """Check that the caller has all that it grants.

    sees_all: True if the grant is for every student, as that of a key is.

    Raises:
        Forbidden: the caller lacks some of the permissions, which are named, or does not see every
            student.

    """
    missing = sorted(set(permissions) - caller.permissions)
    if missing:
        raise Forbidden(
            f"Nobody grants more than they have, and {caller.name} lacks {', '.join(missing)}. "
            "Leave these out, or ask somebody who has them."
        )
    if sees_all and caller.person is not None and not caller.person.sees_all:
        raise Forbidden(
            f"This would show every student, and {caller.name} sees some of them only. Ask "
            "somebody who sees all."
        )


def require_sight_of_all(caller: Principal) -> None:
    """Check that the caller sees every student: changes of keys and roles concern all.

    Raises:
        NotForPersons: the caller is a person who sees some of them only.

    """
    if caller.person is not None and not caller.person.sees_all:
        raise not_for_persons()
