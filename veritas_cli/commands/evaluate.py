"""`veritas evaluate`: quality of a model on presentations that it did not see."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table as Shown

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.enrolment_features import DAY
from dropout_service.domain.enrolments.finished_classes import LAST_DAYS
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.auditing import drifts
from dropout_service.learning.evaluation import evaluate_days
from dropout_service.learning.rows import INPUTS
from dropout_service.learning.training import (
    TRAINING_DAYS,
)
from shared_db.errors import ConfigurationError
from veritas_cli.commands.train import PRESENTATION
from veritas_cli.database import exit_on_error
from veritas_cli.evaluation.data import (
    OULAD,
    finished_courses,
    has_classes,
    latest_and_others,
    learning_manager,
    presentations_named,
    progress_shown,
    require_outcomes,
    rows_of,
    source_of,
    trained_on,
)
from veritas_cli.evaluation.report import Report
from veritas_cli.terminal import command_console

CUT_OFFS = (0, 28, 56, 84, 112)
RESAMPLES = 300
PURPOSE = (
    "**Purpose.** Staff can talk with about a tenth of a course. The model says with which "
    "students to begin, and why. It is no verdict, and no ground for refusing anything."
)
METHOD = (
    "**Method.** A logistic regression adds up the signs, such as missed work, low marks or "
    "silence; each has a fixed weight for a part of the course. A sign with a known direction "
    "never counts against it: missed work never lowers a risk. A value beyond those of the "
    "training courses counts as the nearest one there, and lowers the confidence. The level of a "
    "course is the same for all of its students. It comes from its module, if that was trained "
    "on, and from the students who left in the last four weeks, compared with those expected to "
    "leave. The risks are calibrated on courses that the model had not seen."
)
_OF_ONE_UNIVERSITY = (
    "It learned from distance courses of one university: train and evaluate it on your own courses."
)
_OF_ANY_SCHOOL = (
    "Before the first work is due it is little better than chance. A score counts from the day of "
    "submission; in reality it comes later. How many leave a course changes from year to year."
)
LIMITS = f"**Limits.** {_OF_ONE_UNIVERSITY} {_OF_ANY_SCHOOL}"
SCOPE = (
    "**Evaluated** are enrolments still registered at the end of the day. Gender, disability, "
    "region, age, deprivation and prior education are no features. For comparison: a logistic "
    "regression of all features for each day, with a penalty chosen on the training courses and "
    "without the level of a course; and the share of four rules that fire, as a probability."
)
OF_CLASSES = (
    "**Classes of the roster** are among the courses. A student has left a class if enrolled in "
    f"none of its course on its last {LAST_DAYS} days; a change of class and the end of the term "
    "do not count. The reason of an end is not known. Due days, weights, credits and attributes "
    "for the audit are unknown there."
)
_LIBRARIES = {"matplotlib": "matplotlib", "sklearn": "scikit-learn"}


def evaluate(
    train_on: Annotated[list[str] | None, typer.Option("--train", help=PRESENTATION)] = None,
    test_on: Annotated[list[str] | None, typer.Option("--test", help=PRESENTATION)] = None,
    target: Annotated[Target, typer.Option(help="The outcome to predict.")] = Target.WITHDRAWN,
    resamples: Annotated[
        int, typer.Option(min=20, max=10_000, help="Bootstrap resamples for the intervals.")
    ] = RESAMPLES,
    markdown: Annotated[Path, typer.Option(help="The report to write.")] = Path("evaluation.md"),
    html: Annotated[Path, typer.Option(help="The same with plots.")] = Path("evaluation.html"),
    remarks: Annotated[
        Path | None,
        typer.Option(help="A text for the report; an empty line separates paragraphs."),
    ] = None,
) -> None:
    """Train on some presentations and evaluate on others, beside rules and logistic regression.

    Without --train and --test it evaluates on the latest finished presentation or term, and trains
    on the finished courses and classes of the others. For instance: veritas evaluate --train 2013B
    2013J --test 2014B. Stores nothing in the database.
    """
    with exit_on_error("evaluate"):
        _require_libraries()
        named = _named(train_on, test_on)
        _require_folders(markdown, html)
        text = _blocks(remarks)
        manager, console = learning_manager("evaluate"), command_console()
        sides = named or latest_and_others(finished_courses(manager, target))
        request = _Request(*sides, named is None, target, resamples, remarks, text)
        report = _evaluate(manager, console, request)
        _print(console, report)
        markdown.write_text(report.markdown(), encoding="utf-8")
        html.write_text(report.html(), encoding="utf-8")
        console.print(f"Written: {markdown} and {html}.", soft_wrap=True)


@dataclass(frozen=True)
class _Request:
    """One evaluation; remarks_blocks: the contents of the file of remarks.

    is_default: no presentation was named, so only the finished courses of each count.
    """

    learned_from: list[str]
    judged_on: list[str]
    is_default: bool
    target: Target
    resamples: int
    remarks: Path | None
    remarks_blocks: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command that writes the same report again."""
        names = f" --train {','.join(self.learned_from)} --test {','.join(self.judged_on)}"
        names = "" if self.is_default else names
        resamples = "" if self.resamples == RESAMPLES else f" --resamples {self.resamples}"
        remarks = f" --remarks {self.remarks}" if self.remarks else ""
        return f"veritas evaluate{names} --target {self.target}{resamples}{remarks}"


def _named(
    train_on: list[str] | None, test_on: list[str] | None
) -> tuple[list[str], list[str]] | None:
    """Return the presentations of both options, None if neither is given."""
    if train_on is None and test_on is None:
        return None
    learned_from = presentations_named(train_on or [], "--train")
    judged_on = presentations_named(test_on or [], "--test")
    if both := sorted(set(learned_from) & set(judged_on)):
        raise ConfigurationError(f"{', '.join(both)} cannot be in both --train and --test.")
    return learned_from, judged_on


def _require_libraries() -> None:
    missing = [name for module, name in _LIBRARIES.items() if find_spec(module) is None]
    if missing:
        raise ConfigurationError(
            f"An evaluation needs {' and '.join(missing)}: pip install 'veritas[learn]'."
        )


def _require_folders(*reports: Path) -> None:
    """Refuse unwritable reports before the work is done."""
    for report in reports:
        if not report.parent.is_dir():
            raise ConfigurationError(f"There is no folder {report.parent} to write {report.name}.")
        if report.is_dir():
            raise ConfigurationError(f"{report} is a folder.")


def _blocks(remarks: Path | None) -> tuple[str, ...]:
    if remarks is None:
        return ()
    try:
        text = remarks.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise ConfigurationError(f"--remarks: {remarks} is no text that can be read.") from failure
    blocks = (part.strip() for part in text.split("\n\n"))
    # The lines of a table stay; those of a paragraph are joined.
    return tuple(b if b.startswith("|") else " ".join(b.split()) for b in blocks if b)


def _evaluate(manager: DropoutDatabaseManager, console: Console, request: _Request) -> Report:
    courses = [_courses(manager, request, of) for of in (request.learned_from, request.judged_on)]
    if both := sorted(set.intersection(*map(set, courses))):
        raise ConfigurationError(f"--train and --test have courses in common: {', '.join(both)}.")
    with progress_shown(console) as progress:
        learned, judged = (
            rows_of(manager, ids, days, request.target, progress)
            for ids, days in zip(courses, (TRAINING_DAYS, CUT_OFFS), strict=True)
        )
        require_outcomes(judged, ", ".join(request.judged_on))
        trained = trained_on(learned, progress)
        at_cut_offs = learned.where(np.isin(learned["day"], CUT_OFFS))
        found = evaluate_days(trained.model, at_cut_offs, judged, request.resamples, progress)
    if not found:
        raise ConfigurationError(
            "There is nothing to judge: on no day did some students leave and others stay."
        )
    moved = drifts(at_cut_offs, judged, [name for name in INPUTS if name != DAY])
    title = f"Model card: dropout risk, evaluated on {', '.join(request.judged_on)}"
    about = [*_about(request, source_of(learned)), *_left_out([day.day for day in found])]
    about += [OF_CLASSES] if has_classes(learned) or has_classes(judged) else []
    return Report(title, about, found, moved, request.remarks_blocks)


def _courses(
    manager: DropoutDatabaseManager, request: _Request, presentations: list[str]
) -> list[str]:
    if request.is_default:
        return finished_courses(manager, request.target).of_presentations(presentations)
    return manager.training_sets.get_courses(presentations, request.target)


def _about(request: _Request, source: str) -> list[str]:
    setup = (
        f"Trained on {', '.join(request.learned_from)}, evaluated on "
        f"{', '.join(request.judged_on)}, {request.resamples} resamples. Target: {request.target}."
        f"{_meaning(request.target)} Data: {source}."
    )
    limits = LIMITS if source == OULAD else f"**Limits.** {_OF_ANY_SCHOOL}"
    return [PURPOSE, METHOD, SCOPE, limits, setup, f"Command: `{request.command}`"]


def _left_out(judged: list[int]) -> list[str]:
    days = [str(day) for day in CUT_OFFS if day not in judged]
    if not days:
        return []
    reason = "after it nobody left or everybody left, in training or in the test"
    return [f"Left out: day {', '.join(days)}; {reason}, or the courses were over."]


def _meaning(target: Target) -> str:
    return "" if target is Target.WITHDRAWN else " Leaving here includes staying and failing."


def _print(console: Console, report: Report) -> None:
    for paragraph in report.about:
        console.print(paragraph, soft_wrap=True)
    for table in report.tables():
        shown = Shown(*table.heads, title=table.title, caption=table.note, title_justify="left")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
