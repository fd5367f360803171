"""Sentences of reasons in any language, from the codes and values of the API.

Each code has a text for gettext and the kind of each value: a whole number, one with tenths, a
share of 1, a number of days, or a lead in days before the due day (negative: after it).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from babel.core import Locale
from babel.numbers import format_decimal, format_percent

from veritas_web.domain.marked import N_


class Catalogue(Protocol):
    """Catalogue of a language."""

    def gettext(self, message: str, /) -> str:
        """Return the translation of a message."""

    def ngettext(self, one: str, more: str, number: int, /) -> str:
        """Return the translation of a message with a number."""


class Kind(StrEnum):
    """Kind of a value."""

    WHOLE = "whole"
    TENTHS = "tenths"
    SHARE = "share"
    DAYS = "days"
    LEAD = "lead"


@dataclass(frozen=True)
class Pattern:
    """Text with places for values, and the kind of each value."""

    text: str
    kinds: Mapping[str, Kind]


def _of(text: str, **kinds: Kind) -> Pattern:
    return Pattern(text, kinds)


_WHOLE, _TENTHS, _SHARE, _DAYS, _LEAD = Kind
PATTERNS: Mapping[str, Pattern] = {
    "days_since_activity.days": _of(N_("No activity for %(days)s."), days=_DAYS),
    "days_since_mark.days": _of(N_("Nothing handed in that was marked for %(days)s."), days=_DAYS),
    "effort_fall.events": _of(
        N_("%(recent)s learning events a week in the last two weeks, %(before)s before."),
        recent=_TENTHS,
        before=_TENTHS,
    ),
    "session_time_fall.minutes": _of(
        N_("%(recent)s minutes of sessions a week in the last two weeks, %(before)s before."),
        recent=_TENTHS,
        before=_TENTHS,
    ),
    "longest_gap_days.days": _of(
        N_("In the last six weeks %(days)s passed from one active day to the next."), days=_DAYS
    ),
    "gap_growth.days": _of(
        N_("%(recent)s days from one active day to the next of late, %(before)s before."),
        recent=_TENTHS,
        before=_TENTHS,
    ),
    "gap_variation.times": _of(
        N_("The gaps between active days vary by %(variation)s times their mean."),
        variation=_TENTHS,
    ),
    "mark_share.points": _of(
        N_("%(share)s of the points reached in the last marks (%(marks)s)."),
        share=_SHARE,
        marks=_WHOLE,
    ),
    "success_share.answers": _of(
        N_("%(share)s of %(answers)s answers right in the last two weeks."),
        share=_SHARE,
        answers=_WHOLE,
    ),
    "mark_fall.points": _of(
        N_("%(recent)s of the points reached in the last three marks, %(before)s before."),
        recent=_SHARE,
        before=_SHARE,
    ),
    "success_fall.answers": _of(
        N_("%(recent)s of the answers right in the last two weeks, %(before)s before."),
        recent=_SHARE,
        before=_SHARE,
    ),
    "plateau_days.days": _of(
        N_("For %(days)s answers were sent in, but no further one is known to solve a question."),
        days=_DAYS,
    ),
    "attempts_per_question.attempts": _of(
        N_("%(attempts)s attempts per question."), attempts=_TENTHS
    ),
    "hints_per_answer.requests": _of(
        N_("%(recent)s requests for help per answer in the last two weeks, before: %(before)s."),
        recent=_TENTHS,
        before=_TENTHS,
    ),
    "answer_changes.answers": _of(
        N_("%(share)s of %(answers)s answers sent in again were changed."),
        share=_SHARE,
        answers=_WHOLE,
    ),
    "output_fall.questions": _of(
        N_(
            "Active days a week: still %(active)s; questions answered a week:"
            " %(recent)s in the last two weeks, %(before)s before."
        ),
        active=_TENTHS,
        recent=_TENTHS,
        before=_TENTHS,
    ),
    "velocity_fall.questions": _of(
        N_(
            "Active days a week: still %(active)s; questions newly solved a week:"
            " %(recent)s in the last two weeks, %(before)s before."
        ),
        active=_TENTHS,
        recent=_TENTHS,
        before=_TENTHS,
    ),
    "missed_work.missed": _of(
        N_("%(missed)s of %(due)s pieces of work that were due were missed (course: %(usual)s)."),
        missed=_WHOLE,
        due=_WHOLE,
        usual=_WHOLE,
    ),
    "missed_work.missed_last_two": _of(
        N_(
            "%(missed)s of %(due)s pieces of work that were due were missed, the last "
            "two among them (course: %(usual)s)."
        ),
        missed=_WHOLE,
        due=_WHOLE,
        usual=_WHOLE,
    ),
    "missed_work.done": _of(
        N_(
            "%(done)s of the coursework is done, %(usual)s is usual in the course; "
            "nothing that was due was missed."
        ),
        done=_SHARE,
        usual=_SHARE,
    ),
    "missed_work.nothing_missed": _of(N_("Nothing that was due was missed.")),
    "pause.last_submission": _of(
        N_("The last work was handed in %(since)s ago (course: %(usual)s)."),
        since=_DAYS,
        usual=_DAYS,
    ),
    "pause.nothing_handed_in": _of(N_("Nothing was handed in yet.")),
    "late_work.mean": _of(
        N_("Work is handed in %(lead)s on average (course: %(usual)s); %(late)s came late."),
        lead=_LEAD,
        late=_WHOLE,
        usual=_LEAD,
    ),
    "late_work.one_piece": _of(
        N_("The one piece handed in came %(lead)s (course: %(usual)s)."), lead=_LEAD, usual=_LEAD
    ),
    "late_work.no_due_day": _of(N_("The work handed in has no due day.")),
    "late_work.nothing_handed_in": _of(N_("Nothing was handed in yet.")),
    "marks.mean": _of(
        N_("The marks are %(mean)s on average (course: %(usual)s), the lowest is %(lowest)s."),
        mean=_WHOLE,
        lowest=_WHOLE,
        usual=_WHOLE,
    ),
    "marks.one_mark": _of(
        N_("The one mark so far is %(mark)s (course: %(usual)s)."), mark=_WHOLE, usual=_WHOLE
    ),
    "marks.unknown": _of(N_("No mark is known yet.")),
    "mark_trend.above": _of(
        N_("The last mark is %(points)s points above those before."), points=_WHOLE
    ),
    "mark_trend.below": _of(
        N_("The last mark is %(points)s points below those before."), points=_WHOLE
    ),
    "mark_trend.like_before": _of(N_("The last mark is like those before.")),
    "mark_trend.unknown": _of(N_("There are too few marks for a trend.")),
    "activity.active_days": _of(
        N_(
            "Active on %(active)s of the last 14 days (course: %(usual)s), with "
            "%(clicks)s clicks a week."
        ),
        active=_WHOLE,
        clicks=_WHOLE,
        usual=_WHOLE,
    ),
    "activity.unknown": _of(N_("No activity is known of this course.")),
    "recency.last_activity": _of(
        N_("The last activity was %(since)s ago (course: %(usual)s)."), since=_DAYS, usual=_DAYS
    ),
    "recency.never": _of(
        N_("No activity was seen for %(since)s (course: %(usual)s)."), since=_DAYS, usual=_DAYS
    ),
    "recency.unknown": _of(N_("No activity is known of this course.")),
    "breadth.types": _of(
        N_("Kinds of material used so far: %(used)s (course: %(usual)s)."),
        used=_WHOLE,
        usual=_WHOLE,
    ),
    "breadth.unknown": _of(N_("The kinds of material used are not known.")),
    "questions.answered": _of(
        N_(
            "%(answered)s questions were answered in the last four weeks; right of the"
            " graded ones: %(right)s."
        ),
        answered=_WHOLE,
        right=_SHARE,
    ),
    "questions.unknown": _of(N_("Nobody in the course answered questions.")),
    "load.credits": _of(
        N_("%(credits)s credits are studied at the same time (course: %(usual)s)."),
        credits=_WHOLE,
        usual=_WHOLE,
    ),
    "repeating.attempts": _of(
        N_("Earlier attempts at the module: %(attempts)s; work carried over: %(carried_over)s."),
        attempts=_WHOLE,
        carried_over=_WHOLE,
    ),
    "registration.later": _of(
        N_("%(later)s of the course registered later than the student."), later=_SHARE
    ),
    "registration.unknown": _of(N_("It is not known when the student registered.")),
}


def sentence_of(
    code: str, values: Mapping[str, float | None], catalogue: Catalogue, locale: Locale
) -> str | None:
    """Return the sentence; None for a code that these pages do not know."""
    pattern = PATTERNS.get(code)
    if pattern is None or not set(pattern.kinds) <= set(values):
        return None
    shown = {
        name: _shown(values[name], kind, catalogue, locale) for name, kind in pattern.kinds.items()
    }
    return catalogue.gettext(pattern.text) % shown


def _shown(value: float | None, kind: Kind, catalogue: Catalogue, locale: Locale) -> str:
    if value is None:
        return catalogue.gettext(N_("not known"))
    return _FORMATS[kind](value, catalogue, locale)


def _whole(value: float, _catalogue: Catalogue, locale: Locale) -> str:
    return format_decimal(round(value), locale=locale)


def _tenths(value: float, _catalogue: Catalogue, locale: Locale) -> str:
    return format_decimal(round(value, 1), locale=locale)


def _share(value: float, _catalogue: Catalogue, locale: Locale) -> str:
    return format_percent(round(value, 2), locale=locale)


def _days(value: float, catalogue: Catalogue, locale: Locale) -> str:
    count = round(value)
    text = catalogue.ngettext("%(num)s day", "%(num)s days", count)
    return text % {"num": format_decimal(count, locale=locale)}


def _lead(value: float, catalogue: Catalogue, locale: Locale) -> str:
    if not round(value):
        return catalogue.gettext(N_("on the due day"))
    days = {"days": _days(abs(value), catalogue, locale)}
    if value > 0:
        return catalogue.gettext(N_("%(days)s before the due day")) % days
    return catalogue.gettext(N_("%(days)s after the due day")) % days


_FORMATS: Mapping[Kind, Callable[[float, Catalogue, Locale], str]] = {
    Kind.WHOLE: _whole,
    Kind.TENTHS: _tenths,
    Kind.SHARE: _share,
    Kind.DAYS: _days,
    Kind.LEAD: _lead,
}
