"""Weekly digest of a member of staff: own steps, and students new near the top, as plain text.

It has names and words of steps. Notes, places and reasons stay on the pages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from babel.core import Locale
from babel.dates import format_date

from veritas_web.domain.action_words import NAMES
from veritas_web.domain.marked import N_
from veritas_web.domain.sentences import Catalogue
from veritas_web.domain.today import CourseNews, Step

# Further classes are on the pages.
MOST_CLASSES = 20


@dataclass(frozen=True)
class Language:
    """Catalogue and formats of the school's language."""

    catalogue: Catalogue
    locale: Locale

    def text(self, message: str, **values: str) -> str:
        """Return the translation of a message with its values."""
        translated = self.catalogue.gettext(message)
        return translated % values if values else translated

    def day(self, day: date) -> str:
        """Return a day as the language writes it."""
        return format_date(day, "medium", locale=self.locale)


def last_day(week: date) -> date:
    """Return the Sunday of a week, up to which steps are in its digest."""
    return week + timedelta(days=6)


def digest_body(
    week: date,
    steps: Sequence[Step],
    news: Sequence[CourseNews],
    titles: Mapping[str, str],
    language: Language,
    address: str,
) -> dict[str, Any]:
    """Return the digest as staffstuddash takes it; without sections there is nothing to say.

    Students without a name are out of sight or erased, and left out.
    """
    overdue = [step for step in steps if step.days_left is not None and step.days_left < 0]
    ahead = [step for step in steps if step not in overdue]
    sections = [
        _section(language.text(N_("Your steps that are overdue")), _step_lines(overdue, language)),
        _section(language.text(N_("Your steps of this week")), _step_lines(ahead, language)),
        *(
            _section(
                language.text(
                    N_("New near the top in %(course)s"),
                    course=titles.get(one.course) or one.course,
                ),
                [{"text": each.name, "student_id": each.student_id} for each in one.newcomers],
            )
            for one in news[:MOST_CLASSES]
        ),
    ]
    return {
        "subject": language.text(N_("Veritas: your week from %(day)s"), day=language.day(week)),
        "opening": language.text(
            N_("Your steps, and the students of your classes to talk with first.")
        ),
        "sections": [section for section in sections if section["lines"]],
        "closing": "\n\n".join(_closing(len(news), language, address)),
    }


def _closing(courses: int, language: Language, address: str) -> Iterable[str]:
    if courses > MOST_CLASSES:
        yield language.text(N_("There is news of further classes on the pages."))
    yield language.text(
        N_("The reasons are on the pages, where you also write things down: %(address)s"),
        address=address,
    )
    yield language.text(
        N_(
            "This mail has names of students: do not forward it. If you want no such mails, tell"
            " somebody of your school's IT."
        )
    )


def _section(title: str, lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"title": title, "lines": [line for line in lines if line["text"]]}


def _step_lines(steps: Iterable[Step], language: Language) -> Iterable[dict[str, Any]]:
    for step in steps:
        if step.name is None:
            continue
        action = language.text(NAMES[step.action]) if step.action in NAMES else step.action
        values = {"name": step.name, "action": action}
        if step.due_on is None:
            text = language.text(N_("%(name)s: %(action)s, without a day"), **values)
        else:
            text = language.text(
                N_("%(name)s: %(action)s, due on %(day)s"), **values, day=language.day(step.due_on)
            )
        yield {"text": text, "student_id": step.student_id}
