"""`veritas retrain`: a new model from all finished courses, active if it is not worse."""

from typing import Annotated

import typer
from rich.console import Console

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.finished_courses import CoursesByState
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.metrics import Interval
from dropout_service.learning.quality.comparison import BRIER_MARGIN, ROC_AUC_MARGIN
from dropout_service.learning.training import TRAINING_DAYS
from dropout_service.models import LearnedModel
from shared_db.errors import ConfigurationError
from shared_db.retention.turn import turn
from veritas_cli.commands.train import (
    learned_from,
    print_left_out,
    print_validation,
    stored_evaluation,
    training_set,
)
from veritas_cli.database import exit_on_error
from veritas_cli.evaluation.data import (
    finished_courses,
    learning_manager,
    progress_shown,
    trained_on,
)
from veritas_cli.evaluation.retraining import Judgement, Retraining
from veritas_cli.terminal import command_console

KEPT, NOTHING_NEW = 3, 4
_TURN = "veritas retrain"


def retrain(
    target: Annotated[
        Target | None, typer.Option(help="The outcome to predict. Default: the active model's.")
    ] = None,
) -> None:
    """Learn a model from all finished courses; it replaces the active one unless it is worse.

    A candidate without the latest finished presentation is compared with the active model on it,
    within each course. The new model learns from all finished courses, and is stored in any case:
    `veritas models activate` chooses by hand. Exit status: 0 replaced, 3 kept, 4 no finished course
    is new, 1 refused.
    """
    with exit_on_error("retrain"):
        manager, console = learning_manager("retrain"), command_console()
        with turn(manager.database, _TURN) as is_own:
            if not is_own:
                raise ConfigurationError("Another `veritas retrain` runs on this database.")
            status = _retrain(manager, console, target)
    raise typer.Exit(status)


def _retrain(manager: DropoutDatabaseManager, console: Console, wanted: Target | None) -> int:
    active = manager.models.get_active()
    target = wanted or (active.target if active else Target.WITHDRAWN)
    courses = finished_courses(manager, target)
    print_left_out(console, courses.left_out)
    if stored := _learned_already(manager, courses, target):
        console.print(
            f"No finished course is new: {stored.id} was learned from the same "
            f"{len(courses.ids)} courses. Nothing was changed.",
            soft_wrap=True,
        )
        return NOTHING_NEW
    with progress_shown(console) as progress:
        retraining = Retraining(manager, courses, target, progress)
        # A model of another target predicts something else, so it is no measure.
        is_compared = active is not None and active.target is target
        judgement = retraining.judge(active) if active and is_compared else None
        row = _learn(retraining, console, judgement)
    return _conclude(console, judgement, row)


def _conclude(console: Console, judgement: Judgement | None, row: LearnedModel) -> int:
    if judgement is not None:
        console.print(_account(judgement), soft_wrap=True)
        if not judgement.comparison.is_not_worse:
            console.print(
                f"{judgement.with_version} stays active. {row.id} is stored beside it: "
                f"{learned_from(row)} `veritas models activate {row.id}` chooses it all the same.",
                soft_wrap=True,
            )
            return KEPT
    console.print(f"{row.id} predicts from now on: {learned_from(row)}", soft_wrap=True)
    return 0


def _learned_already(
    manager: DropoutDatabaseManager, courses: CoursesByState, target: Target
) -> LearnedModel | None:
    """Return a model of the target that was learned from exactly these courses."""
    after = None
    while True:
        page = manager.models.search(after=after)
        for model in page:
            if model.target is target and set(model.training.get("courses", {})) == set(
                courses.ids
            ):
                return model
        after = page.next
        if after is None:
            return None


def _learn(retraining: Retraining, console: Console, judgement: Judgement | None) -> LearnedModel:
    """Store the model of all finished courses; it is active unless it was judged worse."""
    courses, target = retraining.courses, retraining.target
    rows = retraining.rows(courses.ids, TRAINING_DAYS)
    trained = trained_on(rows, retraining.progress)
    row = retraining.manager.models.add(
        trained,
        target,
        training_set(rows, courses.presentations),
        evaluation=stored_evaluation(trained, rows, judgement.as_json() if judgement else None),
        is_activated=judgement is None or judgement.comparison.is_not_worse,
    )
    print_validation(console, trained, row, rows)
    return row


def _account(judgement: Judgement) -> str:
    found = judgement.comparison
    refit = (
        f" {judgement.with_version} had seen {judgement.presentation}; a model of its other courses"
        " stood for it."
        if judgement.is_refitted
        else ""
    )
    return (
        f"On {judgement.presentation} ({found.courses} courses, {found.enrolments} enrolments), "
        f"which the candidate had not seen, less {judgement.with_version}: ROC-AUC within courses "
        f"{_shown(found.roc_auc)}, squared error {_shown(found.brier)}. The new model replaces it "
        f"if the first interval is above {-ROC_AUC_MARGIN} and the second below {BRIER_MARGIN}."
        f"{refit}"
    )


def _shown(interval: Interval) -> str:
    return f"{interval.value:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"
