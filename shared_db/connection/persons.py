"""Limit of a unit of work to the rows of one person, and the refusals that belong to it.

In a request of a person a unit of work takes the role for persons, which reads views of the
person's rows and writes nothing. A write that names its students works as the service, once they
are known to be in the person's sight.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared_db.connection.roles import seen_schema
from shared_db.connection.store import Store
from shared_db.errors import NotForPersons, RowLimitsUnavailable, ServiceError
from shared_db.resilience.error_classification import sqlstate
from shared_db.row_limits import RowLimit, row_limit

logger = logging.getLogger(__name__)

# Returns the refusals of the students out of the sight of the transaction's person, by id; each is
# that of an absent student.
OutOfSight = Callable[[Session, Collection[str]], Mapping[str, ServiceError]]

# A missing right, a row that a view does not accept, and a table that no view shows.
_NOT_ALLOWED = frozenset({"42501", "44000", "42P01"})
# Also of other wrong parameters.
_NO_SUCH_ROLE = "22023"

_IN_MEMORY = "The in-memory store cannot limit rows to those of a person. Set DATABASE_URL."
_NO_VIEWS = "This database has no views for persons. Run `veritas migrate`."
_NO_ROLE = (
    "The login of the service may not take the role {role}, so rows cannot be limited to those of a"
    " person. Run `veritas migrate` with a login that may make roles."
)
_REFUSED = (
    "This is for systems, and for persons who see all students. It reads or writes more than the "
    "rows of one person's students."
)


@dataclass(frozen=True)
class PersonAccess:
    """Access of a unit of work in the request of a person.

    limit: of the request. is_service: True for a write that names its students. openings: the view
    of the students whom the person has opened; None if the service has none.
    """

    limit: RowLimit
    is_service: bool
    schemas: Mapping[str, str]
    openings: str | None = None

    def note_openings(self, rows: Iterable[Row[Any]]) -> None:
        """Note the opened students of the request's person: pairs of student and opening."""
        self.limit.openings.update({row.student_id: row.id for row in rows})


def person_access(
    store: Store, *, names_students: bool, openings: str | None = None
) -> PersonAccess | None:
    """Return the access of the present request; None without a limit, or if no row is of a person.

    openings: view of opened students, as `schema.view`; there is one of its name for persons.

    Raises:
        RowLimitsUnavailable: the store cannot limit rows.

    """
    limit = row_limit()
    if limit is None or store.person_schemas == ():
        return None
    if store.is_memory:
        raise RowLimitsUnavailable(_IN_MEMORY)
    if store.person_schemas is None or store.person_role is None:
        raise RowLimitsUnavailable(_NO_VIEWS)
    schemas = {schema: seen_schema(schema) for schema in store.person_schemas}
    if openings is not None and not names_students:
        schema, _, name = openings.partition(".")
        openings = f"{seen_schema(schema)}.{name}"
    return PersonAccess(limit, names_students, schemas, openings)


def taken_person_role(store: Store, session: Session) -> str:
    """Return the name of the role for persons.

    Raises:
        RowLimitsUnavailable: the login may not take it.

    """
    role = store.person_role
    assert role is not None  # noqa: S101 - `person_access` checks it
    name = role.taken_in(session)
    if name is None:
        role.is_taken = None  # the next request asks again: a migration may have made it
        raise RowLimitsUnavailable(_NO_ROLE.format(role=role.name))
    return name


def may_lack_role(failure: DBAPIError | psycopg2.Error) -> bool:
    """Return True if a failure in a person's request may come from a role that was taken away."""
    return sqlstate(failure) in _NOT_ALLOWED | {_NO_SUCH_ROLE}


def require_person_role(store: Store, session: Session) -> None:
    """Ask the server again for the role for persons.

    Raises:
        RowLimitsUnavailable: the login may not take it any more.

    """
    if store.person_role is not None:
        store.person_role.is_taken = None
        taken_person_role(store, session)


def refusal_of_person(failure: DBAPIError | psycopg2.Error) -> NotForPersons | None:
    """Return the refusal for a failure that comes from the rights of a person, else None."""
    code = sqlstate(failure)
    if code not in _NOT_ALLOWED:
        return None
    # It may be a mistake of ours: a write that does not name its students, or SQL of raw text.
    logger.warning("a statement in a person's request was refused, SQLSTATE %s", code)
    return NotForPersons(_REFUSED)


def not_for_persons() -> NotForPersons:
    """Return the refusal of a request that only systems may send."""
    return NotForPersons(_REFUSED)


def require_system() -> None:
    """Check that the present request is not that of a person with limited sight.

    Raises:
        NotForPersons: it is.

    """
    if row_limit() is not None:
        raise not_for_persons()
