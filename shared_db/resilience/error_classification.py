"""Classification of database errors: outage, overload, refused row, or wrong settings."""

import sqlite3

import psycopg2
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared_db.errors import DatabaseBusy, DatabaseUnavailable, ServiceError
from shared_db.resilience import descriptors

_AWAY = "The database does not answer. Try again in a few seconds."
_UNIQUE_VIOLATION = "23505"
_TIMED_OUT = "57014"
_BUSY = {
    "53300": "no connection is left",
    "53400": "a limit of the server is reached",
    "55P03": "another request holds the lock",
    _TIMED_OUT: "it took longer than it may (DATABASE_ADDING_SECONDS for what is added, else "
    "DATABASE_STATEMENT_TIMEOUT_SECONDS)",
    "40001": "it collided with a parallel request",
    "40P01": "it collided with a parallel request",
}
# psycopg2 has no SQLSTATE when connecting fails, so the text is all there is.
_TOO_MANY = ("too many connections", "too many clients", "connection slots are reserved")
# A resolver that does not answer is an outage, too (EAI_AGAIN in the words of glibc and musl); an
# unknown host means a wrong URL.
_UNRESOLVED = ("Temporary failure in name resolution", "to address: Try again")
_PASSING = (
    *_TOO_MANY,
    *_UNRESOLVED,
    "starting up",
    "shutting down",
    "recovery",
    "not yet accepting",
)
# The server answers, but no write can succeed: read-only after a failover, or its disk full.
_REFUSED_WRITES = {
    "25006": "the server is read-only",
    "53100": "the server's disk is full",
}
# The connection is gone, or the server stops or starts.
_GOING_AWAY = ("08", "57P")
# Classes of SQLSTATE caused by the row alone: wrong data, a constraint, a view's condition, a limit
# of the server's program.
_OF_THE_ROW = ("22", "23", "44", "54")
# Classes never caused by a row: the connection, a transaction's state, the login, the database, a
# collision, resources, a lock or an object in use, an operator, the system, its configuration,
# corruption. All others may be: a trigger's own, a privilege (also the refusal of a policy for
# rows), a missing table.
_OF_THE_SERVER = ("08", "25", "28", "3D", "40", "53", "55", "57", "58", "F0", "XX")
_UNKNOWN_NAME = "could not translate host name"
_ATTEMPTED = "connection to server"
_MISCONFIGURED = {
    "password authentication failed": "the server refuses the user or password",
    "no password supplied": "the server wants a password and the URL has none",
    # Only for an attempt without TLS: libpq may have tried both, and then TLS is not missing.
    "SSL encryption": "the server's pg_hba.conf does not admit this user or address",
    "no encryption": "the server admits only connections with TLS: remove sslmode=disable",
    "no pg_hba.conf entry": "the server's pg_hba.conf does not admit this user or address",
    "does not match host name": "the server's certificate is for another host name",
    "root certificate file": "the authority's certificate (DATABASE_CA_FILE) cannot be read",
    "certificate": "the server's certificate is not of the authority in DATABASE_CA_FILE, or not "
    "valid now",
    "does not support SSL": "the server offers no TLS, which is required (see DATABASE_TLS)",
    _UNKNOWN_NAME: "there is no such host",
    "invalid connection option": "the URL has an option that libpq does not know",
    "invalid sslmode": "the URL's sslmode is not one that libpq knows",
}


def is_unique_violation(refusal: IntegrityError) -> bool:
    """Return True for a unique violation, on both stores; False for a check or a foreign key."""
    if getattr(refusal.orig, "pgcode", None) == _UNIQUE_VIOLATION:
        return True
    return "UNIQUE constraint failed" in str(refusal.orig)


def misconfiguration(failure: DBAPIError) -> str | None:
    """Return the mistake in the settings that made connecting fail; None if there is none.

    It is no mistake if the server cannot be reached or looked up, is starting, stopping or full.
    """
    text = _without_unknown_names(str(failure.orig))
    if any(sign in text for sign in _PASSING) or descriptors.shortage(failure.orig):
        return None
    for sign, meaning in _MISCONFIGURED.items():
        if sign in text:
            return meaning
    if "FATAL:" in text:
        # The server answered and refused, for example an unknown database or role.
        return text.rsplit("FATAL:", 1)[1].strip().splitlines()[0]
    return None


def is_unknown_name(failure: DBAPIError) -> bool:
    """Return True if no address is known for the server's name; of several servers, for any."""
    return _UNKNOWN_NAME in _without_unknown_names(str(failure.orig))


def _without_unknown_names(text: str) -> str:
    """Return libpq's message; of several servers, without those of unknown names.

    A server that is away may have lost its name. That is a mistake only if all names are unknown.
    """
    lines = [line for line in text.splitlines() if _UNKNOWN_NAME not in line]
    others = "\n".join(lines)
    return others if _ATTEMPTED in others else text


def is_timeout(failure: BaseException | None) -> bool:
    """Return True if the statement time-out ended it."""
    return getattr(getattr(failure, "orig", None), "pgcode", None) == _TIMED_OUT


def is_answer(failure: BaseException | None) -> bool:
    """Return True if the server itself refused the statement, and is not about to stop."""
    code = getattr(failure, "pgcode", None) or ""
    return bool(code) and not code.startswith(_GOING_AWAY)


def blocking_sqlstate(failure: Exception) -> str | None:
    """Return the SQLSTATE of an obstacle outside the row; None if the row itself is refused."""
    if isinstance(failure, DatabaseBusy):
        return sqlstate(failure.__cause__)
    if not isinstance(failure, DBAPIError | psycopg2.Error):
        return None
    code = sqlstate(failure)
    return None if not code or code.startswith(_OF_THE_ROW) else code


def may_be_row_specific(code: str) -> bool:
    """Return True if, by its SQLSTATE, a single row may cause the obstacle after all."""
    return not code.startswith(_OF_THE_SERVER)


def is_overload(busy: DatabaseBusy) -> bool:
    """Return True if the server or this process is overloaded; False if one row has to wait."""
    code = sqlstate(busy.__cause__)
    return not code or code.startswith("53")


def sqlstate(failure: BaseException | None) -> str:
    """Return the SQLSTATE of a failure; empty if the server sent none."""
    cause = failure.orig if isinstance(failure, DBAPIError) else failure
    return getattr(cause, "pgcode", None) or ""


def write_refusal(failure: DBAPIError | psycopg2.Error) -> str | None:
    """Return why a server that answers takes no writes at all; None if it takes them."""
    code = getattr(_cause(failure), "pgcode", None)
    return _REFUSED_WRITES.get(code or "")


def _cause(failure: DBAPIError | psycopg2.Error) -> BaseException | None:
    return failure.orig if isinstance(failure, DBAPIError) else failure


def to_service_error(
    failure: DBAPIError | psycopg2.Error, *, is_reading: bool = False
) -> ServiceError | None:
    """Return the refusal for a caller; None if the failure is a programming error.

    is_reading: the transaction was opened as read-only, so a refused write is our own mistake.
    """
    cause = _cause(failure)
    code = getattr(cause, "pgcode", None) or ""
    text = str(cause)
    if busy := _busy(code, text):
        return DatabaseBusy(f"The request was given up: {busy}. Try again.")
    if not is_reading and (refusal := write_refusal(failure)):
        return DatabaseUnavailable(f"Nothing can be written: {refusal}.")
    # Without SQLSTATE the server did not answer: refused, reset or gone during the statement.
    is_lost = not code and isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError)
    # Without a descriptor nothing reaches the server, so its state is unknown.
    is_local = is_lost or isinstance(cause, sqlite3.OperationalError)
    if is_local and (shortage := descriptors.shortage(cause)):
        return shortage
    if is_lost or getattr(failure, "connection_invalidated", False):
        return DatabaseUnavailable(_AWAY)
    return DatabaseUnavailable(_AWAY) if code.startswith(_GOING_AWAY) else None


def _busy(code: str, text: str) -> str | None:
    if code:
        return _BUSY.get(code)  # not by the text, which may quote a client's data
    if any(sign in text for sign in _TOO_MANY):
        return "no connection is left"
    return "another request holds the lock" if "database is locked" in text else None
