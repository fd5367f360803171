"""`veritas train`: learn a dropout model from completed courses."""

from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.learning.training import (
    TRAINING_DAYS,
    TooFewEnrolments,
    TrainedModel,
    TrainedVariant,
    train,
)
from dropout_service.models import LearnedModel
from shared_db.errors import ConfigurationError
from veritas_cli.database import exit_on_error
from veritas_cli.evaluation.data import (
    learning_manager,
    presentations_named,
    progress_shown,
    rows_of,
)
from veritas_cli.terminal import command_console

PRESENTATION = "A completed presentation, as 2013B; separate several by commas or spaces."
_FIGURES = {
    "base_rate": "Base rate",
    "roc_auc": "ROC-AUC",
    "brier_skill": "Brier skill",
    "calibration_error": "Calibration error",
    "precision": "Precision at 10 %",
}
_BY_COURSE = "Each course was judged by a model that did not see it."
_BY_STUDENT = (
    "Students were judged by models that did not see them; this does not predict other courses."
)


def train_command(
    presentations: Annotated[list[str], typer.Option("--train", help=PRESENTATION)],
    target: Annotated[Target, typer.Option(help="The outcome to predict.")] = Target.WITHDRAWN,
) -> None:
    """Learn a dropout model from completed courses, store it, and make it active.

    For instance: veritas train --train 2013B 2013J. The same courses give the same model again.
    """
    with exit_on_error("train"):
        wanted = presentations_named(presentations, "--train")
        manager, console = learning_manager("train"), command_console()
        with progress_shown(console) as progress:
            rows = rows_of(manager, wanted, TRAINING_DAYS, target, progress)
            try:
                trained = train(rows, progress)
            except TooFewEnrolments as refusal:
                raise ConfigurationError(f"Too little to learn from: {refusal}.") from refusal
        row = manager.models.add(trained, target, training_set(rows, wanted))
        _report(console, trained, row)


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


def _report(console: Console, trained: TrainedModel, row: LearnedModel) -> None:
    training = row.training
    console.print(
        f"{row.id} predicts from now on: {row.target}, learned from {training['enrolments']} "
        f"enrolments on {len(training['days'])} days; courses: {', '.join(training['courses'])}.",
        soft_wrap=True,
    )
    caption = _BY_COURSE if len(training["courses"]) > 1 else _BY_STUDENT
    console.print(_table("Without activity", trained.without_activity, caption))
    if trained.with_activity is None:
        console.print("No course has enough activity for a model with activity.")
    else:
        title = "With activity, of courses that have any"
        console.print(_table(title, trained.with_activity, caption))


def _table(title: str, variant: TrainedVariant, caption: str) -> Table:
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left")
    for head in ("Day", "Enrolments", *_FIGURES.values()):
        table.add_column(head, justify="right")
    for one in variant.validation:
        figures = (f"{getattr(one.metrics, name):.3f}" for name in _FIGURES)
        table.add_row(str(one.day), str(one.metrics.rows), *figures)
    return table
