"""`veritas migrate` and `check` for an administrator: pending changes, SQL, roles, logins."""

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from shared_db.connection.roles import role_name
from shared_db.provisioning.migration_lease import Lease, held_lease
from tests.e2e.processes import ROOT, VERITAS, without_settings
from tests.support.databases import engine_on, run_script
from tests.support.logins import Login, a_login, give_database, new_role_prefix
from tests.support.oulad_fixtures.imported import Run
from tests.support.server import new_name
from veritas_cli.migrations import SERVICES
from veritas_cli.processes.ports import free_port


@pytest.fixture
def prefix(monkeypatch: pytest.MonkeyPatch) -> str:
    """Set and return a prefix of roles that do not exist."""
    new = new_role_prefix()
    monkeypatch.setenv("DATABASE_ROLE_PREFIX", new)
    return new


def test_check_lists_the_pending_changes_and_makes_none(
    empty_url: str, run: Run, prefix: str
) -> None:
    before = [run(empty_url, "migrate", "--check") for _ in range(2)]
    run(empty_url, "migrate")
    after = run(empty_url, "migrate", "--check")

    assert [result.exit_code for result in (*before, after)] == [1, 1, 0]
    assert before[0].output == before[1].output
    assert before[0].output.count("new ->") == 4
    assert before[0].output.count(f"CREATE ROLE {prefix}") == 5
    assert after.output == ""


def test_missing_roles_are_pending_changes(private_url: str, run: Run, prefix: str) -> None:
    missing = run(private_url, "migrate", "--check")

    assert missing.exit_code == 1
    assert "->" not in missing.output
    assert missing.output.count(f"CREATE ROLE {prefix}") == 5


def test_the_printed_sql_makes_everything(empty_url: str, run: Run, prefix: str) -> None:
    printed = run(empty_url, "migrate", "--sql")
    with (
        engine_on(empty_url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection
    ):
        run_script(connection, printed.stdout)
    checked = run(empty_url, "check")
    again = run(empty_url, "migrate", "--sql")

    assert printed.exit_code == 0
    assert checked.exit_code == 0, checked.output
    assert f"works in its role {prefix}_dropout" in checked.output
    assert checked.output.count("limits persons to their students") == 2
    assert (again.exit_code, again.output) == (0, "")


def test_two_processes_at_once_migrate_one_after_the_other(empty_url: str, prefix: str) -> None:
    settings = without_settings(DATABASE_URL=empty_url, DATABASE_ROLE_PREFIX=prefix)
    command = [*VERITAS, "migrate"]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(output.count("new ->") for output in outputs) == [0, 4]


def test_the_holder_of_the_migration_lease_is_named(
    private_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veritas_cli.migrations.held_lease", without_patience)
    assert Lease(engine_on(private_url), "the other machine").take()

    refused = run(private_url, "migrate")

    assert refused.exit_code == 1
    assert "the other machine" in refused.output
    assert refused.output.count("\n") == 1


def without_patience(engine: object) -> object:
    return held_lease(engine, wait_seconds=0.1)  # type: ignore[arg-type] # an engine


class TestLogins:
    """Logins of the owner and of the services."""

    def test_the_owner_migrates_and_each_service_has_its_login(
        self, empty_url: str, run: Run, prefix: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner = give_database(empty_url, a_login(can_create_roles=True))
        monkeypatch.setenv("DATABASE_ADMIN_URL", owner)
        logins = {history.schema: a_login() for history in SERVICES}
        for schema, login in logins.items():
            monkeypatch.setenv(f"{schema.upper()}_DATABASE_URL", login.url_of(empty_url))

        migrated = run("", "migrate")
        checked = run("", "check")

        assert migrated.exit_code == 0, migrated.output
        assert checked.exit_code == 0, checked.output
        for schema in logins:
            assert f"{schema} works in its role {role_name(prefix, schema)}" in checked.output
        with engine_on(empty_url).connect() as connection:
            query = text("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'dropout'")
            assert connection.scalars(query).all() == [make_url(owner).username]

    def test_the_logins_of_the_urls_are_made_with_separate_rights(
        self, empty_url: str, run: Run, prefix: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        logins = {history.schema: Login(new_name(), "first") for history in SERVICES}
        for password in ("first", "rotated"):
            for schema, login in logins.items():
                url = Login(login.name, password).url_of(empty_url)
                monkeypatch.setenv(f"{schema.upper()}_DATABASE_URL", url)
            before = run(empty_url, "check")
            migrated = run(empty_url, "migrate", "--logins")
            checked = run(empty_url, "check")

            assert before.exit_code == 1
            assert migrated.exit_code == 0, migrated.output
            assert migrated.output.startswith(f"logins         {logins['monitoring'].name}, ")
            assert password not in migrated.output
            assert checked.exit_code == 0, checked.output
            assert checked.output.count(f"works in its role {prefix}_") == 3

        dropout = Login(logins["dropout"].name, "rotated")
        with engine_on(dropout.url_of(empty_url)).connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM dropout.learning_events")) == 0
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text("SELECT * FROM staffstuddash.students"))

    @pytest.mark.parametrize(
        ("url", "arguments", "line"),
        [
            ("", (), "No service has a URL of its own"),
            ("postgresql://user@host/db", (), "MONITORING_DATABASE_URL lacks the user or the pass"),
            ("postgresql://u:p@host/db", ("--check",), "--logins changes something"),
        ],
    )
    def test_logins_that_cannot_be_made_are_one_line(
        self,
        private_url: str,
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
        url: str,
        arguments: tuple[str, ...],
        line: str,
    ) -> None:
        monkeypatch.setenv("MONITORING_DATABASE_URL", url)

        refused = run(private_url, "migrate", "--logins", *arguments)

        assert refused.exit_code == 1
        assert refused.output.startswith(f"veritas migrate: {line}")
        assert refused.output.count("\n") == 1

    def test_one_user_cannot_have_two_passwords(
        self, private_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for variable, password in {"MONITORING": "one", "DROPOUT": "two"}.items():
            monkeypatch.setenv(f"{variable}_DATABASE_URL", f"postgresql://user:{password}@host/db")

        refused = run(private_url, "migrate", "--logins")

        assert refused.exit_code == 1
        assert "two different passwords of user" in refused.output

    def test_check_names_the_remedy_for_a_login_without_its_role(
        self, private_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DROPOUT_DATABASE_URL", a_login().url_of(private_url))

        before = run(private_url, "check")
        run(private_url, "migrate")
        after = run(private_url, "check")

        assert (before.exit_code, after.exit_code) == (1, 0)
        assert "✗ dropout" in before.output
        assert "Run `veritas migrate`" in before.output

    @pytest.mark.usefixtures("prefix")
    def test_without_the_right_to_make_roles_the_services_work_with_a_note(
        self, empty_url: str, run: Run
    ) -> None:
        url = give_database(empty_url, a_login())

        migrated = run(url, "migrate")
        checked = run(url, "check")
        to_do = run(url, "migrate", "--check")

        assert [result.exit_code for result in (migrated, checked, to_do)] == [0, 0, 0]
        assert "No roles were made" in migrated.output
        assert "permission denied" in migrated.output
        assert checked.output.count("may not make roles") == 3

    def test_a_missing_owner_url_is_named(
        self, private_url: str, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for history in SERVICES:
            monkeypatch.setenv(f"{history.schema.upper()}_DATABASE_URL", private_url)

        refused = run("", "migrate")

        assert refused.exit_code == 1
        assert "DATABASE_ADMIN_URL" in refused.output

    def test_up_starts_no_server_beside_the_services_urls(
        self, private_url: str, tmp_path: Path
    ) -> None:
        ports = {f"{h.schema.upper()}_PORT": str(free_port()) for h in SERVICES}
        settings = without_settings(MONITORING_DATABASE_URL=private_url, **ports)

        refused = subprocess.run(
            [*VERITAS, "up"],
            check=False,
            cwd=tmp_path,
            env={**settings, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )

        assert refused.returncode == 1
        assert "MONITORING_DATABASE_URL is set, but no DATABASE_ADMIN_URL" in refused.stderr
        assert list(tmp_path.iterdir()) == []

    def test_a_wrong_owner_url_is_named(
        self, private_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong = make_url(private_url).set(database="nowhere")
        monkeypatch.setenv("DATABASE_ADMIN_URL", wrong.render_as_string(hide_password=False))

        refused = run(private_url, "migrate")

        assert refused.exit_code == 1
        assert refused.output.startswith("veritas migrate: DATABASE_ADMIN_URL does not work")
