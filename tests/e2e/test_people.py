"""`veritas people` on a database."""

import re

from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run
from tests.support.rosters import fill

FOLLOW = "The services follow within KEY_CACHE_SECONDS."


def test_a_role_is_given_and_access_revoked(private_url: str, run: Run) -> None:
    manager = DatastoreManager(Database.for_bind(engine_on(private_url)))
    empty = run(private_url, "people", "list")
    fill(manager)

    before = run(private_url, "people", "list")
    given = run(private_url, "people", "set-role", "t1", "principal")
    between = run(private_url, "people", "list")
    revoked = run(private_url, "people", "revoke", "t1")
    after = run(private_url, "people", "list")

    assert "no members of staff" in empty.output
    assert "teacher (by default)" in before.output
    assert "Emmy Noether" in before.output
    assert given.output == f"t1 has the role principal. {FOLLOW}\n"
    assert "principal" in between.output
    assert revoked.output == f"The access of t1 is revoked. {FOLLOW}\n"
    assert "revoked" in after.output
    access = manager.person_access.get("t1")
    assert (access.is_revoked, access.updated_by) == (True, "veritas people revoke")


def test_refusals_are_one_line(private_url: str, run: Run) -> None:
    fill(DatastoreManager(Database.for_bind(engine_on(private_url))))
    refused = [
        run(private_url, "people", "set-role", "nobody", "teacher"),
        run(private_url, "people", "set-role", "t1", "dean"),
        run(private_url, "people", "revoke", "nobody"),
        run(private_url, "people", "revoke", "a/b"),
    ]

    assert [result.exit_code for result in refused] == [1, 1, 1, 1]
    assert [result.output.count("\n") for result in refused] == [1, 1, 1, 1]
    assert "No person has the id nobody" in refused[0].output
    assert "Choose one of admin, principal, advisor, teacher, student" in refused[1].output


def test_an_invitation_is_a_link(private_url: str, run: Run) -> None:
    manager = DatastoreManager(Database.for_bind(engine_on(private_url)))
    fill(manager)

    invited = run(private_url, "people", "invite", "t1", "--days", "1")
    [link, valid] = invited.output.splitlines()
    run(private_url, "people", "revoke", "t1")
    refused = run(private_url, "people", "invite", "t1")

    assert re.fullmatch(r"http://127\.0\.0\.1:8000/sign-in/invitation\?token=[\w-]{43}", link)
    assert valid.startswith("Valid once, until ")
    assert (refused.exit_code, refused.output.count("\n")) == (1, 1)
    assert "veritas people set-role t1 ROLE" in refused.output
