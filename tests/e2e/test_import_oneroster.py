"""`veritas import oneroster`: checked as a whole, stored at once, and idempotent."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from staffstuddash_service.domain.roster import RosterKind
from tests.support.oneroster_files import (
    Files,
    as_1_2,
    small_school,
    texts,
    write_zip,
)
from tests.support.oneroster_imports import Import, account, contents, effects, manager
from veritas_cli.main import app


@pytest.mark.parametrize("version", [small_school, as_1_2], ids=["1.1", "1.2"])
def test_a_school_is_imported_and_a_second_run_changes_nothing(
    bring_in: Import, private_url: str, version: Callable[..., Files]
) -> None:
    files = small_school() if version is small_school else as_1_2(small_school())

    first = bring_in(files)

    assert first.exit_code == 0, first.output
    found = account(first)
    assert found["orgs"] == (2, 2, 0, 0, 0, 0, 0)
    # Two students, a teacher, a guardian and seven identifiers.
    assert found["users"] == (4, 11, 0, 0, 0, 0, 0)
    assert found["enrollments"] == (3, 3, 0, 0, 0, 0, 0)
    assert found["results"] == (2, 2, 0, 0, 0, 0, 0)
    before = contents(private_url)
    assert [len(rows) for rows in before.values()] == [2, 2, 1, 2, 1, 2, 1, 1, 7, 1, 2, 2]

    again = bring_in(files)

    assert again.exit_code == 0, again.output
    assert effects(again) == {(0, 0, 0)}
    assert contents(private_url) == before


def test_a_zip_is_imported(bring_in: Import, private_url: str, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "export.zip", texts(small_school()))

    result = CliRunner().invoke(app, ["import", "oneroster", str(path)])

    assert result.exit_code == 0, result.output
    assert effects(bring_in(small_school())) == {(0, 0, 0)}
    record = manager(private_url).get_performance_record("st-1")
    assert (record.assessment_count, record.mean_percentage) == (1, 87.5)


def test_a_dry_run_counts_everything_and_changes_nothing(
    bring_in: Import, private_url: str
) -> None:
    before = contents(private_url)

    result = bring_in(small_school(), "--dry-run")

    assert result.exit_code == 0, result.output
    assert account(result)["enrollments"] == (3, 3, 0, 0, 0, 0, 0)
    assert "Nothing was changed (--dry-run)." in result.output
    assert contents(private_url) == before


def test_one_refused_row_refuses_the_whole_import(bring_in: Import, private_url: str) -> None:
    before = contents(private_url)
    files = small_school()
    files["enrollments"][1]["classSourcedId"] = "cl-9"

    result = bring_in(files)

    assert result.exit_code == 1
    assert account(result)["enrollments"] == (3, 0, 0, 0, 0, 0, 1)
    assert "enrollments.csv, line 3, classSourcedId: refused: names no row of" in result.output
    assert "Nothing was stored. Refused rows: 1." in result.output
    assert contents(private_url) == before


def test_a_refusal_of_the_database_refuses_the_whole_import(
    bring_in: Import, private_url: str
) -> None:
    staff = manager(private_url)
    staff.add_student("st-8", "Cy")
    staff.add_assessment("st-8", "quiz", "Math", 5, assessment_id="re-1")
    before = contents(private_url)

    result = bring_in(small_school())

    assert result.exit_code == 1
    assert "results.csv, line 2" in result.output
    assert contents(private_url) == before


def test_changed_rows_change_and_absent_rows_end(bring_in: Import, private_url: str) -> None:
    bring_in(small_school())
    files = small_school()
    files["users"][1]["givenName"] = "Beau"
    files["classes"][0]["title"] = "Algebra I"
    files["results"][0]["score"] = "18"
    del files["enrollments"][1]
    del files["classes"][1]

    result = bring_in(files)

    assert result.exit_code == 0, result.output
    found = account(result)
    assert found["users"][1:5] == (0, 1, 10, 0)
    assert found["classes"][1:5] == (0, 1, 0, 1)
    assert found["results"][1:5] == (0, 1, 1, 0)
    assert found["enrollments"][1:5] == (0, 0, 2, 1)
    staff = manager(private_url)
    assert staff.get_student("st-2").name == "Beau Example"
    assert staff.get_performance_record("st-1").mean_percentage == 90
    assert staff.roster.get(RosterKind.ENROLMENT, "en-2").ended_at is not None

    assert effects(bring_in(files)) == {(0, 0, 0)}
    # The rows begin again.
    assert account(bring_in(small_school()))["enrollments"][1:5] == (0, 1, 2, 0)
    assert effects(bring_in(small_school())) == {(0, 0, 0)}
