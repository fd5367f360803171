"""Work, marks and steps of a student on their own page, and the kinds of data that are kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veritas_web.domain.action_words import ANSWER
from veritas_web.domain.marked import N_

Data = Mapping[str, Any]

# Words of the services, without a judgement.
STATES: Mapping[str, str] = {
    "handed_in": N_("handed in"),
    "late": N_("handed in after the day"),
    "missing": N_("has not arrived"),
    "not_due": N_("not due yet"),
    "excused": N_("carried over"),
}
# Words of the pages, as one tells the student; those of the school are not shown.
STEPS: Mapping[str, str] = {
    "talk.with-student": N_("A talk with you"),
    "talk.with-parents": N_("A talk with your parents"),
    "step": N_("A step of staff"),
}


@dataclass(frozen=True)
class Kind:
    """Kind of data that the school keeps; count: None if it is not counted or not known now.

    has_more: True if there are more than counted. is_counted: False if the page does not ask.
    """

    title: str
    text: str
    count: int | None = None
    has_more: bool = False
    is_counted: bool = False


@dataclass(frozen=True)
class Records:
    """Answers about a student's records; None: not known now."""

    marks: Data | None
    guardians: Data | None
    identifiers: Data | None
    steps: Data | None


def work_of(submissions: Iterable[Data]) -> tuple[list[Data], list[Data]]:
    """Return the work to come and the work before, each by its day; marks of classes are none."""
    work = [one for one in submissions if one["type"] is not None or one["due_on"] is not None]
    ahead = [one for one in work if one["state"] == "not_due"]
    before = [one for one in reversed(work) if one["state"] != "not_due"]
    return ahead, before


def steps_of(actions: Iterable[Data]) -> tuple[list[Data], list[Data]]:
    """Return the steps of staff, and the answers of the student."""
    listed = list(actions)
    answers = [one for one in listed if one["action"] == ANSWER and one["text"]]
    return [one for one in listed if one not in answers], answers


def kinds_of(records: Records) -> Sequence[Kind]:
    """Return the kinds of data that are kept of a student."""
    return (
        Kind(N_("Name, e-mail address and classes"), N_("Your teachers find you by them.")),
        _counted(N_("Marks"), N_("They are on your own page."), records.marks),
        Kind(N_("Drafts"), N_("Texts that you wrote, with the changes between their versions.")),
        Kind(N_("Learning events"), N_("Days and kinds of your work in learning systems.")),
        _counted(N_("Contacts"), N_("People whom the school calls about you."), records.guardians),
        _counted(
            N_("Accounts"), N_("Your ids and mailboxes in other systems."), records.identifiers
        ),
        _counted(
            N_("Steps and answers"),
            N_("Steps of staff about you, with their notes, and your answers."),
            records.steps,
        ),
        Kind(
            N_("Order of talks"),
            N_(
                "From work, marks and activity Veritas computes with whom staff may talk first. "
                "You can ask the office for it, and object to it."
            ),
        ),
        Kind(
            N_("Reads"),
            N_("When your data were shown, and to which role; see the list of reads."),
        ),
    )


def _counted(title: str, text: str, answer: Data | None) -> Kind:
    if answer is None:
        return Kind(title, text, is_counted=True)
    return Kind(title, text, len(answer["items"]), bool(answer.get("next")), is_counted=True)
