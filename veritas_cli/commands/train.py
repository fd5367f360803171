"""`veritas train`: learn from courses that are over who drops out."""

from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.learning.training import (
    TRAINING_DAYS,
    TooLittleToLearn,
    Trained,
    TrainedVariant,
    train,
)
from dropout_service.models import LearnedModel
from shared_db.errors import ConfigurationError
from veritas_cli.database import refusals_in_one_line
from veritas_cli.evaluation.data import (
    command_console,
    learning_manager,
    presentations_named,
    rows_of,
    steps_shown,
)

PRESENTATION = "A presentation that is over, as 2013B; more may follow, or stand after a comma."
PRESENTATIONS = typer.Argument(help="Presentations that are over, as 2013B 2013J.")
_JUDGED_APART = "Each course was judged by a model that did not see it."
_JUDGED_WITHIN = (
    "Students were judged by models that did not see them; of other courses this says nothing."
)


def train_command(
    presentations: Annotated[list[str], typer.Option("--train", help=PRESENTATION)],
    more: Annotated[list[str] | None, PRESENTATIONS] = None,
    target: Annotated[Target, typer.Option(help="What is predicted.")] = Target.WITHDRAWN,
) -> None:
    """Learn a model of who drops out from courses that are over, store it, and make it active.

    For instance: veritas train --train 2013B 2013J. The same courses again give the same model.
    """
    with refusals_in_one_line("train"):
        wanted = presentations_named([*presentations, *(more or [])], "--train")
        manager, console = learning_manager("train"), command_console()
        with steps_shown(console) as tell:
            rows = rows_of(manager, wanted, TRAINING_DAYS, target, tell)
            try:
                trained = train(rows, tell)
            except TooLittleToLearn as refusal:
                raise ConfigurationError(f"Too little to learn from: {refusal}.") from refusal
        row = manager.models.add(trained, target, training_set(rows, wanted))
        _report(console, trained, row)


def training_set(rows: EnrolmentRows, presentations: list[str]) -> dict[str, Any]:
    """Return what a model was learned from, for the record."""
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


def _report(console: Console, trained: Trained, row: LearnedModel) -> None:
    training = row.training
    console.print(
        f"{row.id} predicts from now on: {row.target}, learned from {training['enrolments']} "
        f"enrolments on {len(training['days'])} days; courses: {', '.join(training['courses'])}.",
        soft_wrap=True,
    )
    caption = _JUDGED_APART if len(training["courses"]) > 1 else _JUDGED_WITHIN
    console.print(_table("Without activity", trained.without_activity, caption))
    if trained.with_activity is None:
        console.print("No course has enough activity for a model with activity.")
    else:
        title = "With activity, of courses that have any"
        console.print(_table(title, trained.with_activity, caption))


def _table(title: str, variant: TrainedVariant, caption: str) -> Table:
    shape = variant.parameters
    told = f"{title}: {shape['trees']} trees of {shape['leaves']} leaves"
    table = Table(title=told, caption=caption, title_justify="left", caption_justify="left")
    heads = ("Day", "Enrolments", "Base rate", "ROC-AUC", "Brier skill", "Calibration error")
    for head in (*heads, "Precision at 10 %"):
        table.add_column(head, justify="right")
    for one in variant.validation:
        figures = one.metrics
        shares = (
            figures.base_rate,
            figures.roc_auc,
            figures.brier_skill,
            figures.calibration_error,
            figures.precision,
        )
        table.add_row(str(one.day), str(figures.rows), *(f"{share:.3f}" for share in shares))
    return table
