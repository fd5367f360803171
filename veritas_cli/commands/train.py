"""`veritas train`: learn a dropout model from completed courses."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.quality.held_out import held_out_days, variant_within_courses
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.learning.training import TRAINING_DAYS, TrainedModel, TrainedVariant
from dropout_service.models import LearnedModel
from veritas_cli.database import exit_on_error
from veritas_cli.evaluation.data import (
    finished_courses,
    learning_manager,
    left_out_lines,
    presentations_named,
    progress_shown,
    rows_of,
    trained_on,
)
from veritas_cli.terminal import command_console

PRESENTATION = (
    "A completed presentation, as 2013B, or a term of the roster that is over, or the id of a "
    "course or class; separate several by commas or spaces."
)
_FIGURES = {
    "base_rate": "Base rate",
    "roc_auc": "ROC-AUC",
    "brier_skill": "Brier skill",
    "calibration_error": "Calibration error",
    "precision": "Precision at 10 %",
}
_WITHIN = {"roc_auc": "ROC-AUC within courses", "precision": "Precision at 10 % within courses"}
_BY_COURSE = "Each course was judged by a model that did not see it."
_BY_STUDENT = (
    "Students were judged by models that did not see them; this does not predict other courses."
)


def train_command(
    presentations: Annotated[
        list[str] | None, typer.Option("--train", help=f"{PRESENTATION} Default: all finished.")
    ] = None,
    target: Annotated[Target, typer.Option(help="The outcome to predict.")] = Target.WITHDRAWN,
) -> None:
    """Learn a dropout model from finished courses, store it, and make it active.

    Without --train, from all finished courses and classes. The last day of a course has passed, and
    nine tenths of its enrolments have an outcome; the terms of a class are over. For instance:
    veritas train --train 2013B 2013J. The same courses give the same model again.
    """
    with exit_on_error("train"):
        wanted = None if presentations is None else presentations_named(presentations, "--train")
        manager, console = learning_manager("train"), command_console()
        if wanted is None:
            found = finished_courses(manager, target)
            wanted, courses = found.presentations, found.ids
            print_left_out(console, found.left_out)
        else:
            courses = manager.training_sets.get_courses(wanted, target)
        with progress_shown(console) as progress:
            rows = rows_of(manager, courses, TRAINING_DAYS, target, progress)
            trained = trained_on(rows, progress)
        row = manager.models.add(
            trained, target, training_set(rows, wanted), evaluation=stored_evaluation(trained, rows)
        )
        console.print(f"{row.id} predicts from now on: {learned_from(row)}", soft_wrap=True)
        print_validation(console, trained, row, rows)


def print_left_out(console: Console, left_out: Mapping[str, str]) -> None:
    """Print the courses that are not finished, with the reason of each."""
    if left_out:
        console.print(f"Left out: {' '.join(left_out_lines(left_out))}", soft_wrap=True)


def stored_evaluation(
    trained: TrainedModel, rows: EnrolmentRows, comparison: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the evaluation that is stored with the model."""
    return {"days": held_out_days(trained, rows), "comparison": comparison}


def training_set(rows: EnrolmentRows, presentations: list[str]) -> dict[str, Any]:
    """Return the description of the training data that is stored with the model."""
    courses, counts = np.unique(_enrolments(rows, "course"), return_counts=True)
    return {
        "presentations": presentations,
        "courses": {str(course): int(n) for course, n in zip(courses, counts, strict=True)},
        "enrolments": int(counts.sum()),
        "rows": len(rows),
        "days": [int(day) for day in np.unique(rows["day"])],
    }


def _enrolments(rows: EnrolmentRows, column: str) -> Any:
    _, first = np.unique(rows["enrolment_id"], return_index=True)
    return rows[column][first]


def learned_from(row: LearnedModel) -> str:
    """Return a sentence about the target and the training data of a model."""
    training = row.training
    return (
        f"{row.target}, learned from {training['enrolments']} enrolments on "
        f"{len(training['days'])} days; courses: {', '.join(training['courses'])}."
    )


def print_validation(
    console: Console, trained: TrainedModel, row: LearnedModel, rows: EnrolmentRows
) -> None:
    """Print the figures of each variant on held-out courses, which are among the rows."""
    caption = _BY_COURSE if len(row.training["courses"]) > 1 else _BY_STUDENT
    console.print(_table("Without activity", trained.without_activity, rows, caption))
    if trained.with_activity is None:
        console.print("No course has enough activity for a model with activity.")
    else:
        title = "With activity, of courses that have any"
        console.print(_table(title, trained.with_activity, rows, caption))


def _table(title: str, variant: TrainedVariant, rows: EnrolmentRows, caption: str) -> Table:
    caption += " Within courses: the mean of the courses, each by itself, as staff see them."
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left")
    for head in ("Day", "Enrolments", *_FIGURES.values(), *_WITHIN.values()):
        table.add_column(head, justify="right")
    within = variant_within_courses(variant, rows)
    for one in variant.validation:
        figures = [getattr(one.metrics, name) for name in _FIGURES]
        figures += [within[one.day][name] if one.day in within else None for name in _WITHIN]
        shown = ("-" if value is None else f"{value:.3f}" for value in figures)
        table.add_row(str(one.day), str(one.metrics.rows), *shown)
    return table
