"""Synthetic school for the demo: ten weeks of 24 students, each with a profile."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from veritas_cli.demo.dataset import Body, Demonstration
from veritas_cli.demo.student_profiles import (
    FADING,
    GONE,
    NEVER_SEEN,
    NEW,
    RESTLESS,
    RETURNING,
    SILENT,
    STEADY,
    STRUGGLING,
    THRIVING,
    WEEKS,
    StudentProfile,
    session,
)
from veritas_cli.demo.synthetic_roster import (
    SECTIONS,
    advisor_id,
    class_id,
    school_roster,
    sections_of,
)

# Plants for surnames, so that the names are recognisably made up.
PUPILS = {
    "Ada Apricot": THRIVING,
    "Ben Bramble": STEADY,
    "Cleo Clover": STRUGGLING,
    "Dan Dandelion": THRIVING,
    "Ella Elderberry": FADING,
    "Finn Fern": STEADY,
    "Gina Ginger": SILENT,
    "Hugo Hazelnut": THRIVING,
    "Ida Ivy": STEADY,
    "Jon Juniper": STRUGGLING,
    "Kim Kale": RESTLESS,
    "Lea Lavender": THRIVING,
    "Max Mallow": GONE,
    "Nora Nettle": STEADY,
    "Otto Oregano": FADING,
    "Pia Poppy": RETURNING,
    "Quinn Quince": STEADY,
    "Rosa Rosemary": THRIVING,
    "Sam Sorrel": SILENT,
    "Tess Thistle": STEADY,
    "Umar Ulluco": STRUGGLING,
    "Vera Verbena": NEW,
    "Wim Watercress": FADING,
    "Yara Yarrow": NEVER_SEEN,
}
MAIL_DOMAIN = "@school.example"
SUBJECTS = ("Mathematics", "Physics", "Literature", "History")
# Work that is due in every subject, by week, 0 to 9.
_DUE = {1: "quiz", 3: "quiz", 4: "exam", 5: "quiz", 7: "quiz", 8: "exam", 9: "quiz"}
_SEED = "veritas"


@dataclass(frozen=True)
class _Pupil:
    id: str
    name: str
    section: str
    profile: StudentProfile
    first_day: datetime

    def random(self, purpose: str) -> Random:
        """Return the generator for one purpose: a change of the events leaves the marks alone."""
        return Random(f"{_SEED} {self.name} {purpose}")  # noqa: S311 - made-up data, no secret

    @property
    def enrolled_on(self) -> date:
        """The first day of the first week with a session; without one, of all weeks."""
        weeks = [week for week, count in enumerate(self.profile.sessions) if count]
        return self.first_day.date() + timedelta(weeks=min(weeks, default=0))


def school_prefix(now: datetime, run: int = 1) -> str:
    """Return the beginning of all ids of the school that is sent at `now`."""
    day = f"demo-{now.astimezone(UTC):%Y-%m-%d}"
    return day if run == 1 else f"{day}-run-{run}"


def pupil_ids(prefix: str) -> dict[str, str]:
    """Return the name of each student of a school, by id."""
    return {f"{prefix}-{number:02}": name for number, name in enumerate(PUPILS, start=1)}


def school_demonstration(now: datetime, run: int = 1) -> Demonstration:
    """Return the school whose ten weeks end at the midnight (UTC) before `now`.

    It is the same for a whole day, so that it can be sent twice. Its ids contain the day, so the
    school of the next day is a different one. run: counts the schools of a day, because the ids of
    a removed one are not used again.
    """
    end = datetime.combine(now.astimezone(UTC).date(), time(tzinfo=UTC))
    first_day = end - timedelta(weeks=WEEKS)
    prefix = school_prefix(now, run)
    names = pupil_ids(prefix)
    sections = sections_of(list(names))
    pupils = [
        _Pupil(id_, name, sections[id_], PUPILS[name], first_day) for id_, name in names.items()
    ]
    events = [event for pupil in pupils for event in _events(prefix, pupil)]
    begins = {pupil.id: pupil.enrolled_on for pupil in pupils}
    roster = school_roster(prefix, SUBJECTS, (first_day.date(), end.date()), begins)
    return Demonstration(
        title=f"A small made-up school, {len(pupils)} students",
        as_of=end,
        as_of_words=f"the start of {end.day} {end:%B %Y} (UTC)",
        students=[_student(pupil) for pupil in pupils],
        assessments=[mark for pupil in pupils for mark in _marks(pupil)],
        event_count=len(events),
        events=lambda: iter(events),
        predictions={pupil.id: f"{pupil.id}-prediction" for pupil in pupils},
        shown_class=class_id(prefix, SUBJECTS[0], SECTIONS[0]),
        class_predictions={
            pupil.id: f"{pupil.id}-{SUBJECTS[0].lower()}-prediction"
            for pupil in pupils
            if pupil.section == SECTIONS[0]
        },
        outcome_heading="Profile",
        outcomes={pupil.id: pupil.profile.name for pupil in pupils},
        lost=None,
        notes=["Names and figures are made up. `veritas demo --remove` removes them."],
        resources=roster.resources,
        relations=roster.relations,
        advisor=advisor_id(prefix),
    )


def _student(pupil: _Pupil) -> Body:
    return {"id": pupil.id, "name": pupil.name, "email": address_of(pupil.name)}


def address_of(name: str) -> str:
    """Return the e-mail address of a student."""
    return f"{name.replace(' ', '.').lower()}{MAIL_DOMAIN}"


def _events(prefix: str, pupil: _Pupil) -> Iterator[Body]:
    random = pupil.random("events")
    number = 0
    for week, count in enumerate(pupil.profile.sessions):
        for day in sorted(random.sample(range(7), count)):
            hour = pupil.profile.first_hour + random.randrange(3)
            start = pupil.first_day + timedelta(
                weeks=week, days=day, hours=hour, minutes=random.randrange(60)
            )
            subject = random.choice(SUBJECTS)
            for activity in session(pupil.profile, week, random):
                number += 1
                yield {
                    "id": f"{pupil.id}-event-{number:04}",
                    "student_id": pupil.id,
                    "event_type": activity.event_type,
                    "question_id": activity.question
                    and f"{subject}-{week + 1}-{activity.question}".lower(),
                    "course": class_id(prefix, subject, pupil.section),
                    "data": activity.data,
                    "occurred_at": (start + activity.after).isoformat(),
                }


def _marks(pupil: _Pupil) -> Iterator[Body]:
    random = pupil.random("marks")
    for week, type_ in _DUE.items():
        for day, subject in enumerate(SUBJECTS):
            if not pupil.profile.hands_in(week):
                continue
            handed_in = pupil.first_day + timedelta(weeks=week, days=day, hours=11)
            yield {
                "id": f"{pupil.id}-{subject}-week-{week + 1}".lower(),
                "student_id": pupil.id,
                "type": type_,
                "subject": subject,
                "score": _score(pupil.profile, week, random),
                "timestamp": handed_in.isoformat(),
            }


def _score(profile: StudentProfile, week: int, random: Random) -> int:
    return round(min(100, max(0, random.gauss(100 * profile.success_in(week), 8))))
