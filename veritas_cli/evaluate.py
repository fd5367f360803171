"""`veritas evaluate`: how good a model is on presentations that it did not see."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table as Shown

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.targets import Target
from dropout_service.learning.auditing import drifts
from dropout_service.learning.evaluation import evaluate_days
from dropout_service.learning.features import DAY, WITH_ACTIVITY
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.learning.training import (
    TRAINING_DAYS,
    Progress,
    TooLittleToLearn,
    Trained,
    TrainedVariant,
    train,
)
from shared_db.errors import ConfigurationError
from veritas_cli.connecting import refusals_in_one_line
from veritas_cli.evaluation_report import Report
from veritas_cli.learning import command_console, learning_manager, rows_of, steps_shown

CUT_OFFS = (0, 28, 56, 84, 112)
RESAMPLES = 300
PURPOSE = (
    "**What it is for.** To show staff, who can talk with a tenth of a course, with whom to begin, "
    "and why. It ranks enrolments within a course and tells a calibrated probability of leaving "
    "until the end. It is no ground for refusing anybody anything, and no verdict."
)
LIMITS = (
    "**Limits.** It learned from one university's distance courses; before it is used elsewhere, "
    "train and evaluate it on courses of your own. Who will leave is hard to tell before the first "
    "work is due: early figures are little better than chance. A score counts from the day the "
    "work was handed in, since the day of marking is not known; in reality it comes later. What "
    "courses have in common moves from year to year, and with it the base rate."
)
HOW = (
    "Judged are enrolments that were still registered at the end of the cut-off day; who had left "
    "before is not counted, nor who withdrew on a day that is not known. Gender, disability, "
    "region, age, deprivation and prior education are no features. Calibration error: ten bins of "
    "equal count. The logistic regression has the features of the model and the strength of its "
    "penalty chosen on the training presentations, a regression for each day. The share of the "
    "rules that fire is made a probability on the training presentations."
)
_WANTED = "A presentation that is over, as 2013B; more may follow after a comma."


def evaluate(
    train_on: Annotated[list[str], typer.Option("--train", help=_WANTED)],
    test_on: Annotated[list[str], typer.Option("--test", help=_WANTED)],
    more: Annotated[list[str] | None, typer.Argument(help="Further ones to train on.")] = None,
    target: Annotated[Target, typer.Option(help="What is predicted.")] = Target.WITHDRAWN,
    resamples: Annotated[
        int, typer.Option(min=20, max=10_000, help="How often students are drawn for intervals.")
    ] = RESAMPLES,
    markdown: Annotated[Path, typer.Option(help="The report to write.")] = Path("evaluation.md"),
    html: Annotated[Path, typer.Option(help="The same with plots.")] = Path("evaluation.html"),
) -> None:
    """Learn from some presentations and judge others, beside rules and logistic regression.

    For instance: veritas evaluate --train 2013B 2013J --test 2014B. Stores nothing in the database.
    """
    with refusals_in_one_line("evaluate"):
        if find_spec("sklearn") is None:
            raise ConfigurationError(
                "The logistic regression needs scikit-learn: pip install 'veritas[learn]'."
            )
        learned_from, judged_on = _named([*train_on, *(more or [])]), _named(test_on)
        if both := sorted(set(learned_from) & set(judged_on)):
            raise ConfigurationError(f"{', '.join(both)} cannot be in both --train and --test.")
        manager, console = learning_manager("evaluate"), command_console()
        report = _evaluate(manager, console, learned_from, judged_on, target, resamples)
        _print(console, report)
        markdown.write_text(report.markdown(), encoding="utf-8")
        html.write_text(report.html(), encoding="utf-8")
        console.print(f"Written: {markdown} and {html}.", soft_wrap=True)


def _named(given: list[str]) -> list[str]:
    return sorted({name for some in given for name in some.split(",") if name})


def _evaluate(
    manager: DropoutDatabaseManager,
    console: Console,
    learned_from: list[str],
    judged_on: list[str],
    target: Target,
    resamples: int,
) -> Report:
    with steps_shown(console) as tell:
        learned = rows_of(manager, learned_from, TRAINING_DAYS, target, tell)
        judged = rows_of(manager, judged_on, CUT_OFFS, target, tell)
        trained = _trained(learned, tell)
        at_cut_offs = learned.where(np.isin(learned["day"], CUT_OFFS))
        found = evaluate_days(trained.model, at_cut_offs, judged, resamples, tell)
    moved = drifts(at_cut_offs, judged, [name for name in WITH_ACTIVITY if name != DAY])
    about = _about(trained, learned_from, judged_on, target, resamples)
    return Report(
        f"Model card: dropout risk, judged on {', '.join(judged_on)}", about, found, moved
    )


def _trained(rows: EnrolmentRows, tell: Progress) -> Trained:
    try:
        return train(rows, tell)
    except TooLittleToLearn as refusal:
        raise ConfigurationError(f"Too little to learn from: {refusal}.") from refusal


def _about(
    trained: Trained,
    learned_from: list[str],
    judged_on: list[str],
    target: Target,
    resamples: int,
) -> list[str]:
    shapes = [
        f"{name}: {_shape(variant)}"
        for name, variant in (
            ("without activity", trained.without_activity),
            ("with activity", trained.with_activity),
        )
        if variant is not None
    ]
    what = (
        f"Learned from {', '.join(learned_from)}, judged on {', '.join(judged_on)}. What is "
        f"predicted: {target}. {'; '.join(shapes)}. {resamples} resamples of the students."
    )
    again = (
        f"Again: `veritas evaluate --train {','.join(learned_from)} --test {','.join(judged_on)} "
        f"--target {target}`"
    )
    return [PURPOSE, what, HOW, LIMITS, again]


def _shape(trained: TrainedVariant) -> str:
    shape, share = trained.parameters, trained.variant.blend.share
    return f"{shape['trees']} trees of {shape['leaves']} leaves, {share:.0%} by lines"


def _print(console: Console, report: Report) -> None:
    for paragraph in report.about:
        console.print(paragraph, soft_wrap=True)
    for table in report.tables():
        told = Shown(*table.heads, title=table.title, caption=table.note, title_justify="left")
        for row in table.rows:
            told.add_row(*row)
        console.print(told)
