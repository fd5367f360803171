"""`veritas import oneroster`: rows that end, move, were erased or deleted; two imports at once."""

from pathlib import Path

from sqlalchemy import text
from typer.testing import CliRunner

from staffstuddash_service.domain.roster import RosterKind
from tests.support.databases import engine_on
from tests.support.oneroster_files import Files, small_school
from tests.support.oneroster_imports import Import, account, contents, effects, manager
from veritas_cli.main import app
from veritas_cli.oneroster.importer import LOCK_KEY


def _with_students(count: int) -> Files:
    files = small_school()
    student, enrolled = files["users"][1], files["enrollments"][1]
    for number in range(count):
        id_ = f"many-{number}"
        files["users"].append({**student, "sourcedId": id_, "username": id_, "email": ""})
        files["enrollments"].append({**enrolled, "sourcedId": f"e-{id_}", "userSourcedId": id_})
    return files


def test_ending_many_rows_needs_a_permission(bring_in: Import, private_url: str) -> None:
    bring_in(_with_students(38))
    before = contents(private_url)

    assert bring_in(_with_students(34)).exit_code == 0
    assert bring_in(_with_students(38)).exit_code == 0
    refused = bring_in(_with_students(33))

    assert refused.exit_code == 1
    assert "5 of 40 rows of kind enrolment would end" in refused.output
    assert "--allow-ending" in refused.output
    assert account(refused)["enrollments"][4] == 5
    assert len(contents(private_url)["enrolments"]) >= len(before["enrolments"])
    allowed = bring_in(_with_students(33), "--allow-ending")
    assert allowed.exit_code == 0, allowed.output
    assert account(allowed)["enrollments"][4] == 5


def test_rows_of_other_sources_never_end(bring_in: Import, private_url: str) -> None:
    bring_in(small_school())
    staff = manager(private_url)
    staff.add_student("own", "Own")

    assert effects(bring_in(small_school())) == {(0, 0, 0)}
    assert staff.get_student("own").name == "Own"


def test_a_delta_file_ends_only_rows_with_that_status(bring_in: Import, private_url: str) -> None:
    bring_in(small_school())
    files = {
        "enrollments": [{"sourcedId": "en-1", "status": "tobedeleted"}],
        "results": [{"sourcedId": "re-1", "status": "tobedeleted"}],
        "classes": [{**small_school()["classes"][1], "status": "active", "title": "Renamed"}],
    }
    for name in ("classSourcedId", "userSourcedId", "role"):
        files["enrollments"][0][name] = ""
    for name in ("lineItemSourcedId", "studentSourcedId"):
        files["results"][0][name] = ""

    result = bring_in(files, mode="delta")

    assert result.exit_code == 0, result.output
    assert account(result) == {
        "classes": (1, 0, 1, 0, 0, 0, 0),
        "enrollments": (1, 0, 0, 0, 1, 1, 0),
        "results": (1, 0, 0, 0, 1, 1, 0),
    }
    staff = manager(private_url)
    assert staff.roster.get(RosterKind.ENROLMENT, "en-1").ended_at is not None
    assert staff.roster.get(RosterKind.ENROLMENT, "en-2").ended_at is None
    assert staff.get_performance_record("st-1").assessment_count == 0
    assert effects(bring_in(files, mode="delta")) == {(0, 0, 0)}


def test_an_erased_student_is_not_imported_again(bring_in: Import, private_url: str) -> None:
    bring_in(small_school())
    manager(private_url).students.erase("st-1")
    files = small_school()
    files["users"][0]["agentSourcedIds"] = ""
    files["users"][3]["agentSourcedIds"] = "st-1"

    result = bring_in(files)

    assert result.exit_code == 0, result.output
    assert "users.csv: 1 left out: the student was erased." in result.output
    assert not [rows for rows in contents(private_url).values() if "'st-1'" in str(rows)]


def test_an_account_that_moves_to_another_student_moves(bring_in: Import, private_url: str) -> None:
    bring_in(small_school())
    files = small_school()
    files["users"][0]["username"], files["users"][1]["username"] = "new", "st-1"

    result = bring_in(files)

    assert result.exit_code == 0, result.output
    rows = contents(private_url)["student_identifiers"]
    owners = {row["value"]: row["student_id"] for row in rows if row["kind"] == "account"}
    assert owners == {"new": "st-1", "st-1": "st-2"}
    assert effects(bring_in(files)) == {(0, 0, 0)}


def test_a_mark_deleted_here_stays_deleted(bring_in: Import, private_url: str) -> None:
    bring_in(small_school())
    manager(private_url).assessments.delete("re-1", actor="test", reason="wrong student")

    result = bring_in(small_school())

    assert result.exit_code == 0, result.output
    assert "results.csv: 1 left out: the assessment was deleted here." in result.output


def test_unusable_exports_end_with_one_line(bring_in: Import, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")

    result = CliRunner().invoke(app, ["import", "oneroster", str(tmp_path / "text.zip")])

    assert result.exit_code == 1
    assert "neither a zip nor a folder" in result.output
    assert bring_in({"orgs": small_school()["orgs"]}).exit_code == 0


def test_a_second_import_at_once_is_refused(bring_in: Import, private_url: str) -> None:
    with engine_on(private_url).connect() as other, other.begin():
        other.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})

        result = bring_in(small_school())

    assert result.exit_code == 1
    assert "Another import of OneRoster runs" in result.output


def test_past_and_future_enrolments_stay_as_they_are(bring_in: Import, private_url: str) -> None:
    files = small_school()
    files["enrollments"][0] |= {"beginDate": "2025-08-15", "endDate": "2026-01-31"}
    files["enrollments"][1] |= {"beginDate": "2099-08-15", "endDate": "2099-12-31"}

    first = bring_in(files)

    assert first.exit_code == 0, first.output
    row = manager(private_url).roster.get(RosterKind.ENROLMENT, "en-1")
    assert (str(row.valid_from), str(row.valid_to)) == ("2025-08-15", "2026-01-31")
    assert effects(bring_in(files)) == {(0, 0, 0)}


def test_a_new_manual_mark_and_student_stay_beside_the_import(
    bring_in: Import, private_url: str
) -> None:
    bring_in(small_school())
    staff = manager(private_url)
    staff.add_assessment("st-1", "quiz", "Math", 50, assessment_id="own")

    assert effects(bring_in(small_school())) == {(0, 0, 0)}
    assert staff.get_performance_record("st-1").assessment_count == 2
