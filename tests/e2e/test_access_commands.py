"""Commands on keys with permissions, and on roles."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager
from shared_web.principals import SCOPES, Permission, Principal, Scope
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run


def test_a_key_has_permissions_beside_its_scopes(private_url: str, run: Run) -> None:
    options = ("--scope", "read", "--permission", "erase", "--permission", "students.read")
    added = run(private_url, "keys", "add", "office", *options)
    nothing = run(private_url, "keys", "add", "nothing")
    listed = run(private_url, "keys", "list")

    keys = KeyManager(Database.for_bind(engine_on(private_url)))
    found = keys.find(added.stdout.strip())
    [row] = [line for line in listed.stdout.splitlines() if "office" in line]
    assert found == Principal("office", SCOPES[Scope.READ] | {Permission.ERASE})
    assert [cell.strip() for cell in row.split("│")[2:4]] == ["read", "erase"]
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert "--permission" in nothing.stderr
    assert "nothing" not in listed.stdout


def test_the_last_use_of_a_key_is_shown(private_url: str, run: Run) -> None:
    run(private_url, "keys", "add", "lms", "--scope", "ingest")
    with engine_on(private_url).begin() as connection:
        for service, instant in (("dropout", "2026-01-02 09:30"), ("monitoring", "2026-01-01")):
            connection.execute(
                text("INSERT INTO access.key_uses VALUES ('lms', :service, :instant)"),
                {"service": service, "instant": f"{instant}+00"},
            )

    assert "2026-01-02 09:30" in run(private_url, "keys", "list").stdout


def test_a_role_is_set_listed_and_removed(private_url: str, run: Run) -> None:
    read = ("--permission", "students.read", "--permission", "roster.read")
    new = run(private_url, "roles", "set", "nurse", *read)
    replaced = run(private_url, "roles", "set", "nurse", *read, "--sees-all")
    listed = run(private_url, "roles", "list").stdout
    removed = run(private_url, "roles", "remove", "nurse")
    again = run(private_url, "roles", "remove", "nurse")

    [row] = [line for line in listed.splitlines() if "nurse" in line]
    assert [result.exit_code for result in (new, replaced, removed, again)] == [0, 0, 0, 1]
    assert ("new" in new.stdout, "replaced" in replaced.stdout) == (True, True)
    assert [cell.strip() for cell in row.split("│")[2:4]] == ["all", "roster.read students.read"]
    assert "teacher" in listed
    assert "no role named nurse" in again.stderr


def test_refusals_of_roles_have_one_line(private_url: str, run: Run) -> None:
    permission = ("--permission", "students.read")
    built_in = run(private_url, "roles", "set", "teacher", *permission)
    malformed = run(private_url, "roles", "set", "Nurse", *permission)
    unknown = run(private_url, "roles", "set", "nurse", "--permission", "students.teleport")

    assert [result.exit_code for result in (built_in, malformed, unknown)] == [1, 1, 2]
    assert "built in" in built_in.stderr
    assert "lower-case" in malformed.stderr
    assert [built_in.stderr.count("\n"), malformed.stderr.count("\n")] == [1, 1]


def test_a_key_expires_and_is_for_addresses(
    private_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    options = ("--expires", "2099-07-31", "--address", "10.0.0.0/8", "--address", "192.0.2.7")
    added = run(private_url, "keys", "add", "lms", "--scope", "read", *options)
    listed = run(private_url, "keys", "list").stdout

    keys = KeyManager(Database.for_bind(engine_on(private_url)))
    found = keys.find(added.stdout.strip())
    assert found is not None
    assert found.limits.expires_at == datetime(2099, 8, 1, tzinfo=UTC)
    assert [str(one) for one in found.limits.networks] == ["10.0.0.0/8", "192.0.2.7/32"]
    assert "2099-08-01 00:00" in listed
    assert "10.0.0.0/8 192.0.2.7/32" in listed


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--expires", "31.7.2027"), "--expires must be a day as 2027-07-31"),
        (("--expires", "2020-01-01"), "--expires: The key would have expired"),
        (("--address", "10.0.0.1/8"), "--address must be an address or a network"),
    ],
)
def test_limits_that_make_no_sense_make_no_key(
    private_url: str, run: Run, options: tuple[str, str], reason: str
) -> None:
    refused = run(private_url, "keys", "add", "lms", "--scope", "read", *options)

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert reason in refused.stderr
    assert KeyManager(Database.for_bind(engine_on(private_url))).list_keys() == []


def test_a_name_that_was_revoked_here_is_not_used_again(private_url: str, run: Run) -> None:
    run("postgresql://127.0.0.1:1/away", "keys", "revoke", "lms", "--offline")
    refused = run(private_url, "keys", "add", "lms", "--scope", "read")

    assert refused.exit_code == 1
    assert "was revoked on this machine" in refused.stderr
