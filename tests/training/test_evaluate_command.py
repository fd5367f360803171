"""`veritas evaluate` on completed courses."""

from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run
from tests.support.oulad_fixtures.learned import rows
from veritas_cli.evaluation.data import source_of
from veritas_cli.main import app

EVALUATE = ("evaluate", "--train", "2013B", "--test", "2014B", "--resamples", "20")


STILL_THERE = text(
    "SELECT count(*), count(*) FILTER (WHERE outcome = 'WITHDRAWN') FROM dropout.enrolments"
    " WHERE course_id = 'CCC-2014B' AND coalesce(unregistered_day > 56, true)"
)


def test_the_report_compares_the_model_with_the_baselines(run_on_past: Run, past_url: str) -> None:
    remarks = "## Earlier\n\n**Seen twice.** Once\nbefore.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    Path("remarks.md").write_text(remarks)

    # Without names: on the latest finished presentation, trained on the others.
    result = run_on_past("evaluate", "--resamples", "20", "--remarks", "remarks.md")

    assert result.exit_code == 0, result.output
    assert "Trained on 2013B, 2013J, evaluated on 2014B, 20 resamples." in result.output
    assert "Data: Open University Learning Analytics Dataset (OULAD)." in result.output
    report, page = Path("evaluation.md").read_text(), Path("evaluation.html").read_text()
    # The table within courses comes first, then that of all courses together.
    of_day = [line.split(" | ") for line in report.splitlines() if line.startswith("| 56 | ")]
    within, pooled = of_day[:2]
    with engine_on(past_url).connect() as connection:
        enrolments, left = connection.execute(STILL_THERE).one()
    assert within[1] == "1"
    assert pooled[1:3] == [str(enrolments), f"{left / enrolments:.3f}"]
    # With one course both tables have the same ranking.
    assert within[2].split(" ")[0] == pooled[3].split(" ")[0]
    assert float(within[2].split(" ")[0]) > 0.6
    assert page.count("<svg") == 1 + 3 * 5
    assert "four most deprived tenths" in report
    assert report.endswith(
        "\n\n## Earlier\n\n**Seen twice.** Once before.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    )
    assert "<h2>Earlier</h2>\n<p>Seen twice. Once before.</p>\n<pre>| a | b |\n" in page
    assert "`veritas evaluate --target withdrawn --resamples 20 --remarks remarks.md`" in report


def test_a_report_of_a_schools_own_courses_does_not_name_oulad() -> None:
    assert source_of(rows()) == "3 courses of this school's database"


def test_a_presentation_cannot_be_in_training_and_test(run_on_past: Run) -> None:
    result = run_on_past("evaluate", "--train", "2013B", "--test", "2013B")

    assert result.exit_code == 1
    assert "2013B cannot be in both --train and --test" in result.output


@pytest.mark.parametrize(
    "words",
    [
        "--train 2013B 2013J --test 2014B 2013J",
        "--test 2014B 2013J --train 2013B,2013J",
        "--test=2014B 2013J --train 2013B --train 2013J",
    ],
)
def test_spaces_separate_presentations_of_each_option(words: str) -> None:
    """A word after --test is a test presentation, wherever --train stands."""
    result = CliRunner().invoke(app, ["evaluate", *words.split()])

    assert result.exit_code == 1
    assert "2013J cannot be in both --train and --test" in result.output


@pytest.mark.parametrize("words", ["2013J --train 2013B", "--train 2013B --resamples 20 2013J"])
def test_a_word_outside_an_option_is_refused(words: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", *words.split(), "--test", "2014B"])

    assert result.exit_code == 2
    assert "unexpected extra argument" in result.output


def test_a_missing_file_of_remarks_is_named(run_on_past: Run) -> None:
    result = run_on_past(*EVALUATE, "--remarks", "nowhere.md")

    assert result.exit_code == 1
    assert "--remarks: nowhere.md is no text that can be read" in result.output


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veritas_cli.commands.evaluate.find_spec", lambda _module: None)
    result = CliRunner().invoke(app, EVALUATE)

    assert result.exit_code == 1
    assert result.output.endswith("matplotlib and scikit-learn: pip install 'veritas[learn]'.\n")


@pytest.mark.parametrize("option", ["--markdown", "--html"])
def test_an_unwritable_report_is_refused_at_once(run_on_past: Run, option: str) -> None:
    result = run_on_past(*EVALUATE, option, "nowhere/report")

    assert result.exit_code == 1
    assert "There is no folder nowhere to write report" in result.output
    assert "Reading" not in result.output
