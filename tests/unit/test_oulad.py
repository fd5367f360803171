"""Reading a course of OULAD, and what is said of files that are not as they should be."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.support.oulad_fixtures.small_course import (
    FILES,
    with_question_marks,
    write_oulad,
    zip_of,
)
from veritas_cli.oulad.course import Course, CourseName, OuladError, Submission, read_course

COURSE = "AAA/2013J"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return read_course(write_oulad(tmp_path / "oulad"), COURSE)


def refusal(path: Path, wanted: str | None = COURSE) -> str:
    with pytest.raises(OuladError) as refused:
        read_course(path, wanted)
    text = str(refused.value)
    assert "\n" not in text
    return text


def changed(file: str, old: str, new: str) -> dict[str, str]:
    assert old in FILES[f"{file}.csv"]
    return {file: FILES[f"{file}.csv"].replace(old, new)}


def test_students_with_their_days_and_ends(course: Course) -> None:
    by_id = {s.id: (s.registered_on, s.unregistered_on, s.result) for s in course.students}

    assert by_id == {
        "101": (-159, None, "Pass"),
        "102": (-53, 12, "Withdrawn"),
        "103": (-92, 60, "Withdrawn"),
        "104": (30, None, "Distinction"),
        "105": (None, None, "Fail"),
        "106": (-5, None, "Fail"),
    }


def test_who_is_registered_on_a_day(course: Course) -> None:
    def registered(day: int) -> str:
        return " ".join(s.id for s in course.students if s.is_registered_on(day))

    assert registered(11) == "101 102 103 105 106"
    assert registered(12) == "101 103 105 106"
    assert registered(29) == "101 103 105 106"
    assert registered(30) == "101 103 104 105 106"
    assert registered(60) == "101 104 105 106"


def test_scored_submissions_and_how_many_are_left_out(course: Course) -> None:
    assert course.submissions == [
        Submission("1", "101", "TMA", 9, 78),
        Submission("1", "106", "TMA", 10, 30),
        Submission("2", "106", "CMA", 41, 20.5),
    ]
    assert (course.unscored, course.banked) == (1, 1)


def test_clicks_are_added_up_by_day_and_activity(course: Course) -> None:
    first = course.active_days["101", -10]

    assert (first.rows, dict(first.clicks)) == (4, {"forumng": 6, "oucontent": 7})
    assert sum(day.clicks.total() for day in course.active_days.values()) == 36
    assert list(course.active_days) == sorted(course.active_days)
    assert course.last_active_day == 33


def test_a_course_without_clicks_has_none_rather_than_zero(tmp_path: Path) -> None:
    head = FILES["studentVle.csv"].strip().splitlines()[0]
    course = read_course(write_oulad(tmp_path / "oulad", studentVle=head), COURSE)

    assert course.active_days == {}
    assert course.last_active_day is None


def test_missing_values_may_be_question_marks(tmp_path: Path, course: Course) -> None:
    other = {name.removesuffix(".csv"): with_question_marks(text) for name, text in FILES.items()}

    assert read_course(write_oulad(tmp_path / "other", **other), COURSE) == course


def test_a_zip_a_zipped_folder_and_quotes_give_the_same(tmp_path: Path, course: Course) -> None:
    quoted = {
        name.removesuffix(".csv"): "\n".join(
            ",".join(f'"{value}"' for value in line.strip().split(","))
            for line in text.strip().splitlines()
        )
        for name, text in FILES.items()
    }
    folder = write_oulad(tmp_path / "quoted", **quoted)

    assert read_course(zip_of(folder), COURSE) == course


def test_days_written_as_decimals_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    folder = write_oulad(tmp_path / "oulad", **changed("studentRegistration", "12\n", "12.0\n"))
    courses = folder / "courses.csv"
    courses.write_bytes(b"\xef\xbb\xbf" + courses.read_bytes())

    assert read_course(folder, COURSE).students[1].unregistered_on == 12


def test_dates_of_both_presentations() -> None:
    october, february = CourseName("AAA", "2013J"), CourseName("BBB", "2014B")

    assert october.date_of(0) == date(2013, 10, 1)
    assert february.date_of(-1) == date(2014, 1, 31)
    assert october.noon_of(100) == datetime(2014, 1, 9, 12, tzinfo=UTC)
    assert october.end_of(100) == datetime(2014, 1, 9, 23, 59, 59, tzinfo=UTC)
    assert (str(october), october.id) == ("AAA/2013J", "AAA-2013J")


@pytest.mark.parametrize("text", ["AAA-2013J", "AAA/2013", "AAA/2013X", "/2013J", "AAA/2013J/", ""])
def test_what_is_no_course_name(text: str) -> None:
    assert CourseName.parse(text) is None


@pytest.mark.parametrize("wanted", [None, "CCC/2013J", "AAA"])
def test_an_unknown_course_is_answered_with_those_there_are(
    tmp_path: Path, wanted: str | None
) -> None:
    assert "AAA/2013J, BBB/2013B" in refusal(write_oulad(tmp_path / "oulad"), wanted)


def test_no_file(tmp_path: Path) -> None:
    assert "There is no file" in refusal(tmp_path / "none.zip")


def test_no_zip(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("code_module,code_presentation\n")

    assert "neither a zip nor a folder" in refusal(tmp_path / "text.zip")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_zip_that_was_cut_off(tmp_path: Path, share: float) -> None:
    whole = zip_of(write_oulad(tmp_path / "oulad")).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: int(len(whole) * share)])

    assert "was cut off: download it again" in refusal(tmp_path / "cut.zip")


def test_a_damaged_zip(tmp_path: Path) -> None:
    path = zip_of(write_oulad(tmp_path / "oulad"))
    content = bytearray(path.read_bytes())
    place = content.index(b"studentVle.csv") + 40
    content[place] ^= 0xFF
    path.write_bytes(content)

    assert "studentVle.csv" in refusal(path)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    folder = write_oulad(tmp_path / "oulad")
    (folder / file).unlink()

    assert f"has no {file}" in refusal(folder)
    assert f"has no {file}" in refusal(zip_of(folder))


@pytest.mark.parametrize("file", FILES)
def test_an_empty_file_is_named(tmp_path: Path, file: str) -> None:
    folder = write_oulad(tmp_path / "oulad")
    (folder / file).write_text("")

    assert refusal(folder) == f"{file} is empty."


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("courses", "module_presentation_length"),
        ("studentInfo", "final_result"),
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
        ("studentVle", "72,20,2", "72,20", "line 7: 5 fields where the header has 6"),
        ("studentVle", "72,20,2", "72,soon,2", "line 7: date is 'soon', not a number"),
        ("studentVle", "72,20,2", "72,2.5,2", "line 7: date is '2.5', not a whole number"),
        ("studentVle", "72,20,2", "72,99999,2", "line 7: date is 99999, which is no day"),
        ("studentVle", "72,20,2", "72,?,2", "line 7: date is missing"),
        ("studentVle", "72,20,2", "72,20,-2", "line 7: sum_click is -2"),
        ("studentVle", "72,20,2", "72,20,inf", "line 7: sum_click is 'inf', not a whole"),
        ("studentVle", "101,72,20", "999,72,20", "line 7: student 999 is not in studentInfo.csv"),
        ("studentAssessment", "0,78", "0,101", "line 2: score is 101, not within 0 to 100"),
        ("studentAssessment", "0,78", "0,nan", "line 2: score is nan, not within 0 to 100"),
        ("studentAssessment", "1,106", "1,101", "line 3: student 101 handed in assessment 1 twice"),
        ("studentInfo", "105,M", "101,M", "line 6: student 101 is there twice"),
        ("studentInfo", "105,M", "x/y,M", "line 6: id_student is 'x/y', not a number"),
        ("studentInfo", "Distinction", "Gold", "line 5: final_result is 'Gold'"),
        ("studentRegistration", "J,106", "J,107", "lacks student 106"),
        ("courses", "268", "", "line 2: module_presentation_length is missing"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(
    tmp_path: Path, file: str, old: str, new: str, text: str
) -> None:
    folder = write_oulad(tmp_path / "oulad", **changed(file, old, new))

    assert f"{file}.csv" in refusal(folder)
    assert text in refusal(folder)


def test_what_is_wrong_in_another_course_does_not_matter(tmp_path: Path) -> None:
    folder = write_oulad(tmp_path / "oulad", **changed("studentVle", "73,3,99", "73,soon,99"))

    assert len(read_course(folder, COURSE).students) == 6
