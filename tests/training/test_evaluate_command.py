"""`veritas evaluate` on courses that are over."""

from pathlib import Path

import pytest
from sqlalchemy import text

from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run

EVALUATE = ("evaluate", "--train", "2013B", "--test", "2014B", "--resamples", "20")


STILL_THERE = text(
    "SELECT count(*), count(*) FILTER (WHERE outcome = 'WITHDRAWN') FROM dropout.enrolments"
    " WHERE course_id = 'CCC-2014B' AND coalesce(unregistered_day > 56, true)"
)


def test_an_evaluation_says_how_far_ahead_the_model_is(run: Run, past_url: str) -> None:
    Path("remarks.md").write_text("**Seen twice.** Once\nbefore.\n\nAnd now.\n")

    result = run(*EVALUATE, "--remarks", "remarks.md")

    assert result.exit_code == 0, result.output
    report, page = Path("evaluation.md").read_text(), Path("evaluation.html").read_text()
    cells = next(line for line in report.splitlines() if "| 56 | model" in line).split(" | ")
    with engine_on(past_url).connect() as connection:
        enrolments, left = connection.execute(STILL_THERE).one()
    assert cells[2:4] == [str(enrolments), f"{left / enrolments:.3f}"]
    assert float(cells[4].split(" ")[0]) > 0.6
    assert "| 56 | logistic regression with modules |" in report
    assert "| 56 | no access for 5 days | not applicable (0) | 0 | - | - |" in report
    assert page.count("<svg") == 1 + 3 * 5
    assert "four most deprived tenths" in report
    assert "\n\n**Seen twice.** Once before.\n\nAnd now.\n\n" in report
    assert "--target withdrawn --resamples 20 --remarks remarks.md`" in report


def test_presentations_cannot_teach_and_be_judged(run: Run) -> None:
    result = run("evaluate", "--train", "2013B", "--test", "2013B")

    assert result.exit_code == 1
    assert "2013B cannot be in both --train and --test" in result.output


def test_remarks_that_are_not_there_are_named(run: Run) -> None:
    result = run(*EVALUATE, "--remarks", "nowhere.md")

    assert result.exit_code == 1
    assert "--remarks: nowhere.md is no text that can be read" in result.output


@pytest.mark.parametrize("option", ["--markdown", "--html"])
def test_a_report_that_could_not_be_written_is_refused_at_once(run: Run, option: str) -> None:
    result = run(*EVALUATE, option, "nowhere/report")

    assert result.exit_code == 1
    assert "There is no folder nowhere to write report" in result.output
    assert "Reading" not in result.output
