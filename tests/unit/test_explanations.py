"""Sentences that explain a model's reasons, with rounded numbers."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dropout_service.domain.advice import ADVICE, advice_code
from dropout_service.domain.enrolments import explanations
from dropout_service.domain.sentences.english import VALUES, text_of
from dropout_service.domain.sentences.sentence import Sentence, Values
from dropout_service.learning.rows import INPUTS

UNKNOWN = dict.fromkeys(INPUTS)
# A row of the table of sentences in docs/scores.md: the code, and the names of its values.
ROWS = re.compile(r"^\| `(\w+\.\w+)` \|(.*?)\|", re.MULTILINE)


@pytest.mark.parametrize(
    ("explain", "student", "course", "sentence"),
    [
        (
            explanations.explain_late,
            {"mean_lead_days": -0.7, "assessments_late": 1.0},
            {"mean_lead_days": -0.2},
            "Work is handed in 1 day after it is due on average (course: on the day); 1 came late.",
        ),
        (
            explanations.explain_late,
            {"mean_lead_days": 0.3, "assessments_late": 0.0},
            {"mean_lead_days": None},
            "Work is handed in on the day it is due on average; 0 came late.",
        ),
        (
            explanations.explain_late,
            {"mean_lead_days": -13.0, "assessments_late": 1.0, "assessments_handed_in": 1.0},
            {"mean_lead_days": 2.0},
            "The one piece handed in came 13 days after it was due (course: 2 days before).",
        ),
        (
            explanations.explain_late,
            {"assessments_late": 0.0, "assessments_handed_in": 2.0},
            {},
            "The work handed in has no due day.",
        ),
        (
            explanations.explain_marks,
            {"score_mean": 40.0, "lowest_score": 40.0},
            {"score_mean": 70.0},
            "The one mark so far is 40 (course: 70).",
        ),
        (
            explanations.explain_missed,
            {"assessments_missed": 1.0, "assessments_due": 1.0, "missed_last_two": 1.0},
            {"assessments_missed": 0.0},
            "1 of 1 assessment due was missed (course: 0).",
        ),
        (
            explanations.explain_missed,
            {"assessments_missed": 2.0, "assessments_due": 5.0, "missed_last_two": 1.0},
            {"assessments_missed": 1.0},
            "2 of 5 assessments due were missed (course: 1).",
        ),
        (
            explanations.explain_pause,
            {"days_since_submission": 1.0},
            {"days_since_submission": 17.0},
            "The last work was handed in 1 day ago (course: 17).",
        ),
        (
            explanations.explain_trend,
            {"score_trend": -1.0},
            {},
            "The last mark is 1 point below those before.",
        ),
        (
            explanations.explain_trend,
            {"score_trend": 0.2},
            {},
            "The last mark is like those before.",
        ),
        (
            explanations.explain_recency,
            {"days_since_activity": 38.0, "clicks_total": 0.0},
            {"days_since_activity": 2.0},
            "No activity was seen for 38 days (course: 2).",
        ),
        (
            explanations.explain_activity,
            {"active_days_14": 1.0, "clicks_per_week_14": 1.2},
            {"active_days_14": 6.0},
            "Active on 1 of the last 14 days (course: 6), with 1 click a week.",
        ),
        (
            explanations.explain_breadth,
            {"resource_types": 1.0},
            {"resource_types": 4.0},
            "1 type of resources was used so far (course: 4).",
        ),
        (
            explanations.explain_questions,
            {"answers_per_week_28": 0.25, "success_share_28": 0.0},
            {},
            "1 question was answered in the last four weeks, 0 % of the graded ones right.",
        ),
    ],
)
def test_the_sentence_of_a_topic(
    explain: Callable[[Values, Values], Sentence],
    student: dict[str, float],
    course: dict[str, float | None],
    sentence: str,
) -> None:
    assert text_of(explain({**UNKNOWN, **student}, {**UNKNOWN, **course})) == sentence


def test_each_code_has_its_values_in_the_document() -> None:
    table = (Path(__file__).parents[2] / "docs/scores.md").read_text()
    rows = {code: tuple(re.findall("`(.+?)`", values)) for code, values in ROWS.findall(table)}

    assert rows == VALUES


def test_a_code_begins_with_the_name_of_its_indicator_or_topic() -> None:
    assert {code.split(".")[0] for code in VALUES} == set(ADVICE)


def test_each_advice_has_a_code_of_its_own() -> None:
    assert {advice_code(text): text for text in ADVICE.values()} == ADVICE
    assert advice_code("Call the student.") is None
