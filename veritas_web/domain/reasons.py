"""Reasons of a prediction in the reader's language, with the words of the pages.

Veritas names types and levels of risk in its API. On the pages stand things done or not done, and
the names below; a level or a score stands beside no name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel.core import Locale

from veritas_web.domain.marked import N_
from veritas_web.domain.sentences import Catalogue, sentence_of

# Names of the topics of reasons; several students with one topic are a group.
TOPICS: Mapping[str, str] = {
    "missed_work": N_("Work not handed in"),
    "pause": N_("A pause in handing in"),
    "late_work": N_("Work handed in late"),
    "marks": N_("Marks"),
    "mark_trend": N_("Marks going down"),
    "activity": N_("Less activity"),
    "recency": N_("Not seen lately"),
    "breadth": N_("Few kinds of material used"),
    "questions": N_("Few questions answered"),
    "load": N_("Many credits at once"),
    "repeating": N_("An earlier attempt"),
    "registration": N_("Registered late"),
    "days_since_activity": N_("Not seen lately"),
    "days_since_mark": N_("No mark lately"),
    "effort_fall": N_("Less activity"),
    "session_time_fall": N_("Shorter sessions"),
    "longest_gap_days": N_("A long break"),
    "gap_growth": N_("Longer breaks"),
    "gap_variation": N_("No steady rhythm"),
    "mark_share": N_("Marks"),
    "success_share": N_("Answers right"),
    "mark_fall": N_("Marks going down"),
    "success_fall": N_("Fewer answers right"),
    "plateau_days": N_("No further question solved"),
    "attempts_per_question": N_("Many attempts at a question"),
    "hints_per_answer": N_("Help asked for"),
    "answer_changes": N_("Answers changed"),
    "output_fall": N_("Active, with fewer answers"),
    "velocity_fall": N_("Active, with less solved"),
}
_OTHER_TOPIC = N_("Other signs")

# Messages to copy. None is sent; each has at most 60 words and one concrete step.
MESSAGES: Mapping[str, str] = {
    "missed_work": N_(
        "Hello, I saw that a piece of work of this course has not arrived yet. Is something in the"
        " way? Reply with a day this week on which we can talk for ten minutes, and we will agree"
        " on a new date for it."
    ),
    "late_work": N_(
        "Hello, the last pieces of work came after their date. Would a plan help? Reply with a day"
        " this week on which we can talk for ten minutes about the next one."
    ),
    "marks": N_(
        "Hello, I would like to look at your last piece of work together with you. Bring it to my"
        " next office hour, and we will go through the part that was hardest."
    ),
    "activity": N_(
        "Hello, I have not seen you in the course lately and want to ask how you are. Reply with a"
        " day this week on which we can talk for ten minutes."
    ),
}
_SAME_MESSAGE: Mapping[str, str] = {
    "pause": "missed_work",
    "days_since_mark": "missed_work",
    "mark_trend": "marks",
    "mark_share": "marks",
    "mark_fall": "marks",
}
_USUAL_MESSAGE = "activity"


@dataclass(frozen=True)
class Reason:
    """Reason as the pages need it.

    name: of the indicator or topic. code, values: of the sentence, from which another language
    makes its own; None for predictions of earlier releases. contribution: to the prediction,
    positive if it raises the risk. is_sign: a reason to talk with the student.
    """

    name: str
    text: str
    code: str | None
    values: Mapping[str, Any]
    is_sign: bool
    contribution: float

    @classmethod
    def of(cls, reason: Mapping[str, Any]) -> "Reason":
        """Return the reason of an answer of the API."""
        sentence = reason.get("sentence") or {}
        is_sign = reason.get("is_sign")
        return cls(
            name=reason["name"],
            text=reason["text"],
            code=sentence.get("code"),
            values=sentence.get("values") or {},
            is_sign=is_sign is None or bool(is_sign),
            contribution=float(reason.get("contribution") or 0),
        )


def topic_of(name: str) -> str:
    """Return the source text of the name of a topic, to be translated."""
    return TOPICS.get(name, _OTHER_TOPIC)


def message_for(name: str) -> str:
    """Return the source text of the message about a topic, to be translated."""
    known = _SAME_MESSAGE.get(name, name)
    return MESSAGES.get(known, MESSAGES[_USUAL_MESSAGE])


def sentence(catalogue: Catalogue, locale: Locale, reason: Reason) -> str:
    """Return the sentence of a reason in a language.

    The service's own English text is the sentence for a code that is not known here.
    """
    if reason.code is None:
        return reason.text
    return sentence_of(reason.code, reason.values, catalogue, locale) or reason.text
