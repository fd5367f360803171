"""`veritas import oulad` with bad files: refused rows, and refused imports."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.oulad_fixtures.imported import Run, account, contents_of
from tests.support.oulad_fixtures.small_course import FILES, write_oulad, zip_of


def test_bad_rows_are_refused_with_their_lines_and_the_others_imported(
    run_import: Run, tmp_path: Path
) -> None:
    clicks = (
        FILES["studentVle.csv"].rstrip()
        + """
        AAA,2013J,999,71,3,1
        AAA,2013J,101,71,soon,1
        AAA,2013J,101,71,3,-1
        AAA,2013J,101,71,3
        AAA,2013J,102,77,3,2
    """
    )
    marks = (
        FILES["studentAssessment.csv"].rstrip()
        + """
        1,104,35,0,101
        9,104,35,0,50
        1,101,9,0,78
    """
    )
    folder = write_oulad(tmp_path / "oulad", studentVle=clicks, studentAssessment=marks)

    result = run_import(folder, "--refused", tmp_path / "refused.csv")

    assert result.exit_code == 0, result.output
    assert account(result)["studentVle.csv"] == ("17", "13", "0", "4")
    assert account(result)["studentAssessment.csv"] == ("9", "6", "0", "3")
    assert "studentVle.csv, line 15: refused: date is 'soon', not a number" in result.output
    refused = list(csv.reader((tmp_path / "refused.csv").read_text().splitlines()))
    assert [(file, line) for file, line, _ in refused] == [
        ("file", "line"),
        *(("studentAssessment.csv", str(line)) for line in (8, 9, 10)),
        *(("studentVle.csv", str(line)) for line in (14, 15, 16, 17)),
    ]


def test_refused_courses_and_work_have_their_lines_despite_empty_ones(
    run_import: Run, tmp_path: Path
) -> None:
    folder = write_oulad(tmp_path / "oulad")
    run_import(folder)
    _with("courses", "BBB,2013B,240", "\nBBB,2013B,241")(folder)
    _with("assessments", "BBB,2013B,4,TMA,10", "\n\nBBB,2013B,4,TMA,11")(folder)

    result = run_import(folder)

    assert result.exit_code == 0, result.output
    assert "courses.csv, line 4: refused: is stored with other content" in result.output
    assert "assessments.csv, line 7: refused: is stored with other content" in result.output


def _damaged(folder: Path) -> Path:
    # One byte of the last file, the clicks: only the check sum shows it.
    path = zip_of(folder)
    content = bytearray(path.read_bytes())
    place = content.rindex(b"studentVle.csv", 0, content.index(b"PK\x01\x02")) + 60
    content[place] ^= 0xFF
    path.write_bytes(content)
    return path


def _with(file: str, old: str, new: str) -> Callable[[Path], Path]:
    def change(folder: Path) -> Path:
        path = folder / f"{file}.csv"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        return folder

    return change


# tests/unit/test_oulad.py has all other defects of files.
BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "damaged": (_damaged, "damaged"),
    "bad student": (_with("studentInfo", "Distinction", "Gold"), "line 5: final_result is 'Gold'"),
    "nothing": (lambda folder: folder / "nowhere", "There is no file"),
}


@pytest.mark.parametrize(("broken", "said"), BROKEN.values(), ids=BROKEN)
def test_unusable_files_change_nothing(
    run_import: Run, tmp_path: Path, private_url: str, broken: Callable[[Path], Path], said: str
) -> None:
    result = run_import(broken(write_oulad(tmp_path / "oulad")))

    assert result.exit_code == 1
    assert said in result.output
    assert result.output.count("\n") == 1
    assert {table: len(rows) for table, rows in contents_of(private_url).items() if rows} == {}
