"""`veritas predict`: risks of a whole cohort with their reasons."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.predictions.batch import BATCH_SIZE
from dropout_service.database.predictions.batch_result import BatchResult
from dropout_service.database.predictions.by_class import ClassAssessment
from dropout_service.database.predictions.by_model import CourseAssessment
from dropout_service.models import DropoutPrediction
from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError
from shared_db.settings import DatabaseSettings
from shared_db.spool.queue import Spool
from veritas_cli.database import exit_on_error
from veritas_cli.evaluation.data import learning_manager
from veritas_cli.terminal import command_console, progress_bars

MAX_REASONS = 3
BATCH_ENROLMENTS = 250
_COLUMNS = ("", "Student", "Course", "Score", "Level", "Type", "Momentum", "Why", "This week")


def predict(
    course: Annotated[
        str | None,
        typer.Option(help="Only this course or class: its enrolments, or the students active."),
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="All students.")] = False,  # noqa: FBT002 - an option
    as_of: Annotated[
        str | None,
        typer.Option(help="The instant, as 2026-01-31T09:30:00Z; later data are ignored."),
    ] = None,
    day: Annotated[
        int | None,
        typer.Option(
            min=0, help="Instead of --as-of: the end of this day of the course; 0 is the first."
        ),
    ] = None,
    show: Annotated[int, typer.Option(min=0, max=1000, help="How many to list.")] = 20,
) -> None:
    """Predict a whole cohort, and list the highest risks with their main reasons.

    Enrolments in courses are judged by the model of `veritas train`, other students by the rules.
    Classes of the roster are judged from their own events and marks, by the model where it can.
    A second run for the same instant stores nothing new, unless late data arrived. Predictions
    include the rows that wait in dropout's spool on this machine.
    """
    with exit_on_error("predict"), closing(_spool_here()) as spool:
        if everybody == (course is not None):
            raise ConfigurationError("Say either --all or --course COURSE.")
        course = course and unicodedata.normalize("NFC", course)
        manager, console = learning_manager("predict"), command_console()
        _use_spool(manager, spool)
        instant = _instant(as_of) if day is None else _end_of_day(manager, course, day, as_of)
        with progress_bars(console) as progress:
            run = _Run(manager, instant, show, progress)
            outcome = _predict(run, course)
            of_classes = _predict_classes(run) if everybody else None
        _report(console, outcome, instant)
        if drawn := manager.draws.draw(instant, course):
            console.print(f"The order was drawn in {drawn} of the lists.")
        versions = outcome.versions
        if of_classes is not None:
            _report_classes(console, of_classes)
            versions += of_classes.versions
        if (active := manager.models.get_active()) and active.version in versions:
            console.print(f"{active.version} tells who ends as {active.target}.", soft_wrap=True)
        _show(console, outcome)


def _spool_here() -> Spool:
    return Spool.of_service(DatabaseSettings.load().spool_path, "dropout")


def _use_spool(manager: DropoutDatabaseManager, spool: Spool) -> None:
    """Include the pending rows of the spool if there is one; it is only read."""
    try:
        if spool.path.exists():
            manager.spool.attach(spool)
    except OSError:
        manager.spool.failure = f"{spool.path} cannot be read"
        typer.echo(f"{spool.path} cannot be read: what waits there is not counted.", err=True)


def _instant(text: str | None) -> datetime:
    now = utc_now()
    if text is None:
        return now
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            instant = instant.astimezone(UTC)
    except (ValueError, OverflowError) as failure:
        raise ConfigurationError("--as-of must be an instant as 2026-01-31T09:30:00Z.") from failure
    if instant.tzinfo is None:
        raise ConfigurationError("--as-of needs a time zone, as 2026-01-31T09:30:00Z.")
    if instant > now:
        raise ConfigurationError("--as-of must not be in the future.")
    return instant


def _end_of_day(
    manager: DropoutDatabaseManager, course: str | None, day: int, as_of: str | None
) -> datetime:
    if course is None or as_of is not None:
        raise ConfigurationError("--day goes with --course, and in the place of --as-of.")
    dates = manager.courses.get_dates(course)
    if dates is None:
        manager.batch_predictions.count_students(course)
        raise ConfigurationError(f"No dates of the course {course} are known; use --as-of.")
    if day >= dates.length_days:
        raise ConfigurationError(f"The last day of {course} is {dates.length_days - 1}.")
    instant = dates.end_of(day)
    if instant > utc_now():
        raise ConfigurationError(f"Day {day} of {course} is not over.")
    return instant


@dataclass(frozen=True)
class _Run:
    manager: DropoutDatabaseManager
    as_of: datetime
    keep: int
    progress: Progress

    def of_course(self, course: str) -> BatchResult | None:
        """Predict by the model, and supersede predictions of leavers; None without a model."""
        self.manager.batch_predictions.supersede_withdrawn(course, self.as_of)
        assessed = self.manager.batch_predictions.assess_course(course, self.as_of)
        return None if assessed is None else self.by_model(assessed)

    def by_rules(self, course: str | None, name: str) -> BatchResult:
        """Predict students by the rules, in batches."""
        task = self.progress.add_task(
            name, total=self.manager.batch_predictions.count_students(course)
        )
        done = BatchResult(last="")
        while done.last is not None:
            batch = self.manager.batch_predictions.predict_by_rules(
                self.as_of, course=course, after=done.last, keep=self.keep
            )
            done = done.merge(batch, keep=self.keep)
            self.progress.update(task, completed=done.students)
        return done

    def of_classes(self, courses: Iterable[str], *, keep: int) -> BatchResult | None:
        """Predict classes of the roster; None if none of the courses is one.

        Small classes share a transaction, since each costs more than the rows of a class.
        """
        done, waiting = None, list[tuple[ClassAssessment, str]]()
        for course in courses:
            assessed = self.manager.batch_predictions.assess_class(course, self.as_of)
            if assessed is None:
                continue
            absent = BatchResult.of_class(
                assessed.not_assessable, assessed.restricted, is_by_model=assessed.is_by_model
            )
            done = absent if done is None else done.merge(absent, keep=keep)
            waiting += [(assessed, student_id) for student_id in assessed.students]
            while len(waiting) >= BATCH_SIZE:
                done = done.merge(self._add(waiting[:BATCH_SIZE], keep), keep=keep)
                del waiting[:BATCH_SIZE]
        return done and done.merge(self._add(waiting, keep), keep=keep)

    def _add(self, assessed: list[tuple[ClassAssessment, str]], keep: int) -> BatchResult:
        return self.manager.batch_predictions.add_class_assessments(assessed, keep=keep)

    def by_model(self, assessed: CourseAssessment) -> BatchResult:
        """Store the model's predictions of a course, in batches."""
        task = self.progress.add_task(assessed.course, total=len(assessed.enrolments))
        done = BatchResult.of_not_assessable(assessed.not_assessable, assessed.restricted)
        for start in range(0, len(assessed.enrolments), BATCH_ENROLMENTS):
            part = assessed.enrolments[start : start + BATCH_ENROLMENTS]
            batch = self.manager.batch_predictions.add_assessments(assessed, part, keep=self.keep)
            done = done.merge(batch, keep=self.keep)
            self.progress.advance(task, len(part))
        return done


def _predict(run: _Run, course: str | None) -> BatchResult:
    if course is None:
        return _predict_all(run)
    if (of_class := run.of_classes([course], keep=run.keep)) is not None:
        run.manager.batch_predictions.supersede_outdated(run.as_of, course)
        return of_class
    is_known = run.manager.courses.get_dates(course) is not None
    judged = run.of_course(course) if is_known else None
    return run.by_rules(course, course) if judged is None else judged


def _predict_all(run: _Run) -> BatchResult:
    done = BatchResult(last=None)
    for course in run.manager.courses.search_running(run.as_of):
        if (judged := run.of_course(course)) is not None:
            done = done.merge(judged, keep=run.keep)
    return done.merge(run.by_rules(None, "Everybody else"), keep=run.keep)


def _predict_classes(run: _Run) -> BatchResult:
    """Predict each class that runs.

    The highest risks are not kept: a student is listed by the overall risk.
    """
    classes = run.manager.courses.search_running_classes(run.as_of)
    task = run.progress.add_task("Classes", total=len(classes), visible=bool(classes))
    done = run.of_classes(_counted(run.progress, task, classes), keep=0)
    run.manager.batch_predictions.supersede_outdated(run.as_of)
    return done or BatchResult(last=None)


def _counted(progress: Progress, task: TaskID, courses: Sequence[str]) -> Iterator[str]:
    for course in courses:
        yield course
        progress.advance(task)


def _report_classes(console: Console, outcome: BatchResult) -> None:
    by_model, by_rules = outcome.classes_by_model, outcome.classes_by_rules
    if not by_model + by_rules:
        return
    name = "class" if by_model + by_rules == 1 else "classes"
    line = (
        f"{by_model + by_rules} {name} ({by_model} by the model, {by_rules} by the rules): "
        f"{outcome.stored} predictions stored, {outcome.unchanged} already there, "
        f"{outcome.not_assessable} not assessable."
    )
    console.print(line, soft_wrap=True)


def _report(console: Console, outcome: BatchResult, as_of: datetime) -> None:
    line = (
        f"{_judged(outcome)} as of {as_of:%Y-%m-%d %H:%M:%S} UTC: {outcome.stored} predictions "
        f"stored, {outcome.unchanged} already there, {outcome.not_assessable} not assessable."
    )
    console.print(line, soft_wrap=True)
    if outcome.restricted:
        count = len(outcome.restricted)
        students = "student is" if count == 1 else "students are"
        console.print(f"{count} {students} not assessed on request.", soft_wrap=True)
    if outcome.versions:
        console.print(f"Predicted by {', '.join(outcome.versions)}.", soft_wrap=True)
    if outcome.incomplete:
        console.print(
            f"{outcome.incomplete} were made while rows of the student waited in the spool; dropout"
            " makes them again when these are stored.",
            soft_wrap=True,
        )
    for student_id, missing in outcome.examples:
        console.print(f"Not assessable, for instance {student_id}: {missing}.", soft_wrap=True)


def _judged(outcome: BatchResult) -> str:
    if not outcome.enrolments:
        return f"{outcome.students} students"
    others = f" by the model and {outcome.students} students by the rules"
    return f"{outcome.enrolments} enrolments{others if outcome.students else ''}"


def _show(console: Console, outcome: BatchResult) -> None:
    if not outcome.highest:
        return
    count = len(outcome.highest)
    title = "The highest risk" if count == 1 else f"The {count} highest risks"
    table = Table(title=title, title_justify="left")
    for column in _COLUMNS:
        is_figure = column in ("", "Score", "Momentum")
        table.add_column(column, justify="right" if is_figure else "left")
    for rank, prediction in enumerate(outcome.highest, start=1):
        table.add_row(str(rank), *_cells(prediction))
    console.print(table)


def _cells(prediction: DropoutPrediction) -> tuple[str, ...]:
    reasons = [*prediction.primary_indicators, *prediction.secondary_indicators]
    # Only a model gives reasons that are no signs.
    signs = (one for one in reasons if one.get("is_sign", True))
    indicators = sorted(signs, key=lambda one: -one["contribution"])
    index, advice = prediction.momentum_index, prediction.recommendations
    return (
        prediction.student_id,
        prediction.course or "-",
        f"{prediction.risk_score:.2f}",
        prediction.risk_level,
        prediction.dropout_type,
        "-" if index is None else f"{index:.0f}",
        " ".join(f"{one['text']} ({one['contribution']:+.2f})" for one in indicators[:MAX_REASONS]),
        advice[0] if advice else "-",
    )
