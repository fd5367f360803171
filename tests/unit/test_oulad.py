"""Readers of OULAD files, by way of the demonstration, which uses all of them."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.support.oulad_fixtures.small_course import (
    FILES,
    with_question_marks,
    write_oulad,
    zip_of,
)
from veritas_cli.demo.oulad_course import course_demonstration
from veritas_cli.oulad.course import CourseName
from veritas_cli.oulad.csv_files import OuladError, OuladFiles

COURSE = "AAA/2013J"


def contents(path: Path) -> list[object]:
    read = course_demonstration(OuladFiles(path), COURSE, 20)
    return [
        *(read.students, read.assessments, list(read.events())),
        *(read.predictions, read.outcomes, read.notes),
    ]


def refusal(path: Path, wanted: str | None = COURSE) -> str:
    with pytest.raises(OuladError) as refused:
        course_demonstration(OuladFiles(path), wanted, 20)
    text = str(refused.value)
    assert "\n" not in text
    return text


def changed(file: str, old: str, new: str) -> dict[str, str]:
    assert old in FILES[f"{file}.csv"]
    return {file: FILES[f"{file}.csv"].replace(old, new)}


def test_missing_values_may_be_question_marks(tmp_path: Path) -> None:
    other = {name.removesuffix(".csv"): with_question_marks(text) for name, text in FILES.items()}
    folder = write_oulad(tmp_path / "other", **other)

    assert contents(folder) == contents(write_oulad(tmp_path / "oulad"))


def test_a_zip_with_quoted_values_reads_the_same(tmp_path: Path) -> None:
    quoted = {
        name.removesuffix(".csv"): "\n".join(
            ",".join(f'"{value}"' for value in line.strip().split(","))
            for line in text.strip().splitlines()
        )
        for name, text in FILES.items()
    }
    archive = zip_of(write_oulad(tmp_path / "quoted", **quoted))

    assert contents(archive) == contents(write_oulad(tmp_path / "oulad"))


def test_days_written_as_decimals_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    folder = write_oulad(tmp_path / "oulad", **changed("studentRegistration", "12\n", "12.0\n"))
    courses = folder / "courses.csv"
    courses.write_bytes(b"\xef\xbb\xbf" + courses.read_bytes())

    assert contents(folder) == contents(write_oulad(tmp_path / "plain"))


def test_dates_of_both_presentations() -> None:
    october, february = CourseName("AAA", "2013J"), CourseName("BBB", "2014B")

    assert october.date_of(0) == date(2013, 10, 1)
    assert february.date_of(-1) == date(2014, 1, 31)
    assert october.noon_of(100) == datetime(2014, 1, 9, 12, tzinfo=UTC)
    assert october.end_of(100) == datetime(2014, 1, 9, 23, 59, 59, tzinfo=UTC)
    assert (str(october), october.id) == ("AAA/2013J", "AAA-2013J")


@pytest.mark.parametrize("text", ["AAA-2013J", "AAA/2013", "AAA/2013X", "/2013J", "AAA/2013J/", ""])
def test_malformed_course_names_are_not_parsed(text: str) -> None:
    assert CourseName.parse(text) is None


@pytest.mark.parametrize("wanted", [None, "CCC/2013J", "AAA"])
def test_an_unknown_course_is_refused_with_the_known_ones(
    tmp_path: Path, wanted: str | None
) -> None:
    assert "AAA/2013J, BBB/2013B" in refusal(write_oulad(tmp_path / "oulad"), wanted)


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    assert "There is no file" in refusal(tmp_path / "none.zip")


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("code_module,code_presentation\n")

    assert "neither a zip nor a folder" in refusal(tmp_path / "text.zip")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_zip_is_refused(tmp_path: Path, share: float) -> None:
    whole = zip_of(write_oulad(tmp_path / "oulad")).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: int(len(whole) * share)])

    assert "was cut off: download it again" in refusal(tmp_path / "cut.zip")


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = zip_of(write_oulad(tmp_path / "oulad"))
    content = bytearray(path.read_bytes())
    place = content.index(b"studentVle.csv") + 40
    content[place] ^= 0xFF
    path.write_bytes(content)

    assert "studentVle.csv" in refusal(path)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_or_empty_file_is_named(tmp_path: Path, file: str) -> None:
    folder = write_oulad(tmp_path / "oulad")
    (folder / file).write_text("")
    assert refusal(folder) == f"{file} is empty."

    (folder / file).unlink()
    assert f"has no {file}" in refusal(folder)
    assert f"has no {file}" in refusal(zip_of(folder))


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("courses", "module_presentation_length"),
        ("studentInfo", "final_result"),
        ("studentInfo", "disability"),
        ("studentVle", "code_presentation"),
        ("studentVle", "sum_click"),
    ],
)
def test_a_missing_column_is_named(tmp_path: Path, file: str, column: str) -> None:
    folder = write_oulad(tmp_path / "oulad", **changed(file, column, "other"))

    assert f"{file}.csv has no column {column}" in refusal(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "text"),
    [
        ("studentVle", "72,20,2", "72,20", "line 7: too few or too many fields"),
        ("studentVle", "72,20,2", "72,soon,2", "line 7: date is 'soon', not a number"),
        ("studentVle", "72,20,2", "72,2.5,2", "line 7: date is '2.5', not a whole number"),
        ("studentVle", "72,20,2", "72,99999,2", "line 7: date is 99999, which is no day"),
        ("studentVle", "72,20,2", "72,?,2", "line 7: date is missing"),
        ("studentVle", "72,20,2", "72,20,-2", "line 7: sum_click is -2"),
        ("studentVle", "72,20,2", "72,20,inf", "line 7: sum_click is 'inf', not a whole"),
        ("studentVle", "101,72,20", "999,72,20", "line 7: the student is not in studentInfo.csv"),
        ("studentAssessment", "0,78", "0,101", "line 2: score is 101, not within 0 to 100"),
        ("studentAssessment", "0,78", "0,nan", "line 2: score is nan, not within 0 to 100"),
        ("studentAssessment", "1,106", "1,101", "line 3: this student handed in this assessment"),
        ("studentInfo", "105,M", "101,M", "line 6: this student and course are there twice"),
        ("studentInfo", "105,M", "x/y,M", "line 6: id_student is 'x/y', not a number"),
        ("studentInfo", "Distinction", "Gold", "line 5: final_result is 'Gold'"),
        ("studentInfo", "Distinction,Ire", "Distinction,,Ire", "line 5: too few or too many"),
        ("studentRegistration", "J,106", "J,107", "line 7: studentRegistration.csv lacks this"),
        ("courses", "268", "", "line 2: module_presentation_length is missing"),
        ("courses", "AAA,2013J", "AAA,2013X", "line 2: the course is 'AAA/2013X'"),
        ("assessments", "TMA,10,50", "TMA,ten,50", "line 2: date is 'ten'"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(
    tmp_path: Path, file: str, old: str, new: str, text: str
) -> None:
    folder = write_oulad(tmp_path / "oulad", **changed(file, old, new))

    assert f"{file}.csv" in refusal(folder)
    assert text in refusal(folder)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("studentVle", "73,3,99", "73,soon,99"), ("studentAssessment", "4,101,10", "4,101,soon")],
)
def test_a_wrong_row_of_another_course_is_ignored(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    folder = write_oulad(tmp_path / "oulad", **changed(file, old, new))

    assert contents(folder) == contents(write_oulad(tmp_path / "right"))
