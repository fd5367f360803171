"""`veritas models`: list of the learned models, and the way back to an earlier one."""

from typing import Annotated, Any

import typer
from rich.table import Table

from dropout_service.models import LearnedModel
from veritas_cli.database import exit_on_error
from veritas_cli.evaluation.data import learning_manager
from veritas_cli.terminal import command_console, say

# A month in, most courses have set work and most leavers are still there.
_SHOWN_DAY = 28

models = typer.Typer(help="List learned models, and choose the active one.")


@models.callback(invoke_without_command=True)
def list_models(context: typer.Context) -> None:
    """List the learned models, the latest first; the active one predicts."""
    if context.invoked_subcommand is not None:
        return
    with exit_on_error("models"):
        manager = learning_manager("models")
        found, after = list[LearnedModel](), None
        while page := manager.models.search(after=after):
            found += page
            after = page.next
            if after is None:
                break
    if not found:
        say("No model was learned yet: the rules predict. `veritas train` learns one.")
        return
    table = Table("Version", "Active", "Target", "Learned from", "Enrolments", "Learned", "Since")
    for figure in ("ROC-AUC", "Brier skill"):
        table.add_column(f"{figure}, day {_SHOWN_DAY}", justify="right")
    for model in sorted(found, key=lambda one: one.created_at, reverse=True):
        table.add_row(*_cells(model))
    command_console().print(table)


VERSION = Annotated[str, typer.Argument(help="The version, as `veritas models` lists it.")]


@models.command("activate")
def activate(version: VERSION) -> None:
    """Make a stored model the active one; later predictions carry its version.

    Predictions that are stored keep theirs until `veritas predict` makes new ones.
    """
    with exit_on_error("models activate"):
        row = learning_manager("models-activate").models.activate(version)
        say(f"{row.id} predicts from now on: {row.target}.")


def _cells(model: LearnedModel) -> tuple[str, ...]:
    training = model.training
    since = f"{model.activated_at:%Y-%m-%d}" if model.is_active and model.activated_at else ""
    return (
        model.id,
        "yes" if model.is_active else "",
        model.target,
        ", ".join(training.get("presentations", [])),
        str(training.get("enrolments", "-")),
        f"{model.created_at:%Y-%m-%d %H:%M}",
        since,
        *(_figure(model.metrics, name) for name in ("roc_auc", "brier_skill")),
    )


def _figure(metrics: dict[str, Any], name: str) -> str:
    days = metrics.get("without_activity", [])
    return next((f"{one[name]:.3f}" for one in days if one["day"] == _SHOWN_DAY), "-")
