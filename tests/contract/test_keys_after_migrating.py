"""Keys of earlier releases after the migration to permissions."""

from sqlalchemy import text

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager
from shared_web.principals import SCOPES, Permission, Scope
from tests.support.databases import engine_on
from veritas_cli.migrations import HISTORIES

[ACCESS] = [history for history in HISTORIES if history.schema == "access"]
OLD = text(
    "INSERT INTO access.api_keys VALUES"
    " ('writer', repeat('a', 64), 'read write', now(), NULL),"
    " ('reader', repeat('b', 64), 'read', now(), NULL),"
    " ('admin', repeat('c', 64), 'admin', now(), NULL)"
)


def test_keys_of_an_earlier_release_keep_their_rights(private_url: str) -> None:
    engine = engine_on(private_url)
    ACCESS.downgrade(engine, "20261122_keys")
    with engine.begin() as connection:
        connection.execute(OLD)

    ACCESS.upgrade(engine)

    rows = KeyManager(Database.for_bind(engine)).list_keys()
    found = {row.name: set(row.permissions) for row in rows}
    read_and_write = SCOPES[Scope.READ] | SCOPES[Scope.WRITE]
    assert found == {
        "writer": read_and_write | {Permission.ERASE},
        "reader": SCOPES[Scope.READ],
        "admin": set(Permission) - {Permission.ACT_AS},
    }


def test_keys_with_permissions_keep_their_scopes_in_an_earlier_release(private_url: str) -> None:
    engine = engine_on(private_url)
    keys = KeyManager(Database.for_bind(engine))
    keys.add_key("both", [Scope.READ, Scope.INGEST, Permission.ERASE])
    keys.add_key("permissions", set(Permission))

    ACCESS.downgrade(engine, "20261122_keys")

    with engine.connect() as connection:
        query = text("SELECT name, scopes FROM access.api_keys ORDER BY name")
        rows = [tuple(row) for row in connection.execute(query)]
    assert rows == [("both", "ingest read"), ("permissions", "")]
