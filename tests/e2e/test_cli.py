"""Commands on a database: migrate, check, keys and erase."""

import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import make_url

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.students.store import STUDENT, StudentToStore
from shared_db.connection.database import Database
from shared_db.spool.queue import Spool
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on
from tests.support.dumps import bytes_of, dump
from tests.support.factories import NOON
from tests.support.oulad_fixtures.imported import Run

Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD")


def test_migrate_brings_an_empty_database_up_to_date(empty_url: str, run: Run) -> None:
    before = run(empty_url, "check")
    first = run(empty_url, "migrate")
    second = run(empty_url, "migrate")
    after = run(empty_url, "check")

    assert (before.exit_code, first.exit_code, second.exit_code, after.exit_code) == (1, 0, 0, 0)
    assert "veritas migrate" in before.output
    assert first.output.count("new ->") == 4
    assert second.output.count("is up to date") == 4
    assert "✗" not in after.output


def test_check_leaves_nothing_behind(private_url: str, run: Run) -> None:
    run(private_url, "check")

    listed = run(private_url, "keys", "list")

    assert "no keys" in listed.output


def test_check_reports_an_unreachable_server_in_one_line(run: Run) -> None:
    result = run("postgresql://ada:hunter2@127.0.0.1:1/school", "check")

    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "does not answer" in result.output
    assert "hunter2" not in result.output


def test_a_key_is_shown_only_when_it_is_made(private_url: str, run: Run) -> None:
    added = run(private_url, "keys", "add", "lms", "--scope", "ingest", "--scope", "read")
    key = added.stdout.strip()
    listed = run(private_url, "keys", "list")

    assert key.startswith("veritas_")
    assert "lms" in listed.output
    assert "ingest read" in listed.output
    assert key not in listed.output


def test_a_key_name_is_unique_and_an_id(private_url: str, run: Run) -> None:
    run(private_url, "keys", "add", "lms", "--scope", "read")
    again = run(private_url, "keys", "add", "lms", "--scope", "read")
    strange = run(private_url, "keys", "add", "a/b", "--scope", "read")

    assert (again.exit_code, strange.exit_code) == (1, 1)
    assert "lms is taken" in again.output
    assert "cannot be a key's" in strange.output


def test_a_revoked_key_is_marked(private_url: str, run: Run) -> None:
    run(private_url, "keys", "add", "lms", "--scope", "read")
    revoked = run(private_url, "keys", "revoke", "lms")
    nobody = run(private_url, "keys", "revoke", "nobody")

    assert (revoked.exit_code, nobody.exit_code) == (0, 1)
    assert "no key named nobody" in nobody.output


@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_revoked_in_either_form_of_its_name(
    private_url: str, run: Run, form: Form
) -> None:
    run(private_url, "keys", "add", unicodedata.normalize("NFD", "café"), "--scope", "read")
    revoked = run(private_url, "keys", "revoke", unicodedata.normalize(form, "café"))

    assert (revoked.exit_code, revoked.output.count("is revoked")) == (0, 1)


class TestErase:
    """Erasure of a student from all services."""

    ID, MARK = "xanthippe-1", "Xanthippe"

    @pytest.fixture
    def database(self, private_url: str) -> Database:
        database = Database.for_bind(engine_on(private_url))
        staff, dropout = DatastoreManager(database), DropoutDatabaseManager(database)
        staff.add_student(self.ID, self.MARK, "x@school.example")
        staff.add_assessment(self.ID, "quiz", "Math", 50)
        dropout.events.add(None, self.ID, None, "NAVIGATION", data={"who": self.MARK})
        return database

    def test_lists_the_removed_rows_and_leaves_none(
        self, private_url: str, database: Database, run: Run, tmp_path: Path
    ) -> None:
        spool = Spool.of_service(tmp_path / "spool", "dropout")
        spool.append([STUDENT.entry(StudentToStore(self.ID, self.MARK, accepted_at=NOON))])
        spool.close()
        before = bytes_of(tmp_path)
        erased = run(private_url, "erase", self.ID, "--yes")
        again = run(private_url, "erase", self.ID, "--yes")

        assert (erased.exit_code, again.exit_code) == (0, 0)
        assert self.MARK.encode() in before
        assert self.MARK.encode() not in bytes_of(tmp_path)
        lines = [line.split() for line in erased.output.splitlines()]
        counts = {line[0]: line[1] for line in lines if line[-1] == "removed"}
        assert counts["staffstuddash.students"] == counts["dropout.students"] == "1"
        assert counts["dropout.learning_events"] == "1"
        assert ["spool", "of", "dropout", "1", "removed"] in lines
        assert any(line[:3] == ["archives", "of", "monitoring"] for line in lines)
        assert not any(word.isdigit() and word != "0" for word in again.output.split())
        found = dump(database)
        assert self.ID not in found
        assert self.MARK not in found
        assert "x@school.example" not in found

    def test_leaves_no_value_in_the_statistics(
        self, private_url: str, database: Database, run: Run
    ) -> None:
        """PostgreSQL before 18 keeps those of an emptied table, so another student stays."""
        DatastoreManager(database).add_student("bob", "Bob")
        DropoutDatabaseManager(database).events.add(None, "bob", None, "NAVIGATION")
        query = (
            "SELECT string_agg(concat(tablename, most_common_vals, histogram_bounds), ' ')"
            " FROM pg_stats WHERE tablename IN ('students', 'learning_events')"
        )
        with engine_on(private_url).begin() as connection:
            connection.exec_driver_sql("ANALYZE")
            before = connection.exec_driver_sql(query).scalar_one()
        erased = run(private_url, "erase", self.ID, "--yes")
        with engine_on(private_url).begin() as connection:
            after = connection.exec_driver_sql(query).scalar_one()

        assert erased.exit_code == 0
        assert self.ID in before
        assert self.ID not in after
        assert "bob" in before

    def test_asks_for_confirmation(self, private_url: str, database: Database, run: Run) -> None:
        asked = run(private_url, "erase", self.ID)

        assert asked.exit_code != 0
        assert "for good?" in asked.output
        assert DatastoreManager(database).get_student(self.ID).name == self.MARK

    def test_refuses_a_malformed_id(self, private_url: str, run: Run) -> None:
        refused = run(private_url, "erase", "a/b", "--yes")

        assert refused.exit_code == 1
        assert refused.output.startswith("veritas erase: This cannot be a student's id")


def test_check_accepts_tls_switched_off_by_the_setting(
    private_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(private_url)
    if url.host != "127.0.0.1":
        pytest.skip("needs a local server, to address it as a remote one")
    # The address leads to this machine, but is not recognised as local.
    other = url.set(host="0.0.0.0").render_as_string(hide_password=False)  # noqa: S104
    monkeypatch.setenv("DATABASE_TLS", "off")

    result = run(other, "check")

    assert "✓ TLS is switched off (DATABASE_TLS=off)" in result.output
    assert result.exit_code == 0


@pytest.mark.parametrize(("threads", "mark", "exit_code"), [(1, "✓", 0), (1000, "✗", 1)])
def test_check_compares_the_pools_with_the_server(
    threads: int,
    mark: str,
    exit_code: int,
    private_url: str,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_POOL", "queue")
    monkeypatch.setenv("REQUEST_THREADS", str(threads))

    result = run(private_url, "check")

    assert f"{mark} the pools of 3 services keep up to {3 * (threads + 4)} of" in result.output
    assert result.exit_code == exit_code


@pytest.mark.parametrize("form", FORMS)
def test_erase_deletes_every_form_of_an_id(private_url: str, run: Run, form: Form) -> None:
    database = Database.for_bind(engine_on(private_url))
    staff = DatastoreManager(database)
    for stored in FORMS:
        staff.add_student(unicodedata.normalize(stored, "zoë"), "Zoë")

    erased = run(private_url, "erase", unicodedata.normalize(form, "zoë"), "--yes")

    assert erased.exit_code == 0
    assert staff.students.search().items == []


def test_erase_deletes_an_id_that_is_refused_by_now(private_url: str, run: Run) -> None:
    staff = DatastoreManager(Database.for_bind(engine_on(private_url)))
    staff.add_student("❤\ufe0f", "Zoë")

    assert run(private_url, "erase", "❤\ufe0f", "--yes").exit_code == 0
    assert staff.students.search().items == []


def test_check_lists_ids_in_another_unicode_form(private_url: str, run: Run) -> None:
    manager = DatastoreManager(Database.for_bind(engine_on(private_url)))
    before = run(private_url, "check")
    for id_ in ("zoe\u0308", "zo\u00eb", "ne\u0301", "\u0627", "s001"):
        manager.add_student(id_, "Zoë")
    after = run(private_url, "check")

    assert before.output.count("has its ids in Unicode's form NFC") == 3
    listed, pair = (line for line in after.output.splitlines() if "staffstuddash.students" in line)
    assert "'ne\\u0301', 'zoe\\u0308'." in listed
    assert "'zoe\\u0308' and 'zo\\xeb' differ only by their form" in pair
    assert (before.exit_code, after.exit_code) == (0, 0)
