"""Sentences of the pages: one for each code of the API, with its values."""

import pytest
from babel.core import Locale
from babel.support import NullTranslations

from dropout_service.domain.sentences.english import VALUES
from veritas_web.domain.sentences import PATTERNS, sentence_of

ENGLISH = Locale.parse("en")


def text(code: str, **values: float | None) -> str | None:
    return sentence_of(code, values, NullTranslations(), ENGLISH)


def test_every_code_of_the_api_has_a_sentence_of_its_values() -> None:
    assert {code: set(pattern.kinds) for code, pattern in PATTERNS.items()} == {
        code: set(names) for code, names in VALUES.items()
    }


@pytest.mark.parametrize(
    ("code", "values", "expected"),
    [
        ("days_since_activity.days", {"days": 1.4}, "No activity for 1 day."),
        (
            "late_work.one_piece",
            {"lead": -13.2, "usual": 0.2},
            "The one piece handed in came 13 days after the due day (course: on the due day).",
        ),
        (
            "missed_work.done",
            {"done": 0.125, "usual": None},
            (
                "12% of the coursework is done, not known is usual in the course; nothing that was"
                " due was missed."
            ),
        ),
        ("marks.unknown", {}, "No mark is known yet."),
    ],
)
def test_values_are_written_by_their_kind(
    code: str, values: dict[str, float | None], expected: str
) -> None:
    assert text(code, **values) == expected


def test_an_unknown_code_or_a_missing_value_has_no_sentence() -> None:
    assert text("new.code") is None
    assert text("days_since_activity.days") is None
