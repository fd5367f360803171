"""`veritas evaluate`: how good a model is on presentations that it did not see."""

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
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.auditing import drifts
from dropout_service.learning.evaluation import evaluate_days
from dropout_service.learning.rows import INPUTS, EnrolmentRows
from dropout_service.learning.training import (
    TRAINING_DAYS,
    Progress,
    TooFewEnrolments,
    TrainedModel,
    TrainedVariant,
    train,
)
from shared_db.errors import ConfigurationError
from veritas_cli.database import refusals_in_one_line
from veritas_cli.evaluation.data import (
    command_console,
    learning_manager,
    presentations_named,
    rows_of,
    steps_shown,
)
from veritas_cli.evaluation.report import Report

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
    "equal count. The logistic regression has all features that are known, a regression for each "
    "day; the strength of its penalty, and whether it sees what is the same for everybody in a "
    "course, are chosen on the training presentations. The one with modules also has a level for "
    "each module that training saw, as the model has it. The share of the rules that fire is made "
    "a probability on the training presentations."
)
HOW_IT_JUDGES = (
    "**How it judges.** First it adds up: each sign, as missed work or low marks, raises or lowers "
    "the risk by a fixed weight, which is another one every fortnight of the first sixteen weeks, "
    "and every four weeks from then on (logistic regression). Then small decision trees, each a "
    "few yes-or-no questions, correct the sum where signs mean more or less together than each "
    "alone. Where it is known which way a sign points neither goes against it: missed work never "
    "lowers a risk. How many have left the course in the last four weeks counts for everybody in "
    "it alike, and so does how much more or less left the module before than signs tell, where it "
    "learned from that module. How many trees there are, and whether the sum counts in full, by "
    "half or not at all before the trees, was chosen on the presentations that it learned from. "
    "Each of their courses (of a single one each fifth of the students) was then judged by a model "
    "that had not seen it, and the risks were adjusted so that of those told 30 % about 30 in 100 "
    "left."
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
    remarks: Annotated[
        Path | None,
        typer.Option(help="A text to put into the report, paragraphs parted by an empty line."),
    ] = None,
) -> None:
    """Learn from some presentations and judge others, beside rules and logistic regression.

    For instance: veritas evaluate --train 2013B 2013J --test 2014B. Stores nothing in the database.
    """
    with refusals_in_one_line("evaluate"):
        if find_spec("sklearn") is None:
            raise ConfigurationError(
                "The logistic regression needs scikit-learn: pip install 'veritas[learn]'."
            )
        learned_from = presentations_named([*train_on, *(more or [])], "--train")
        judged_on = presentations_named(test_on, "--test")
        if both := sorted(set(learned_from) & set(judged_on)):
            raise ConfigurationError(f"{', '.join(both)} cannot be in both --train and --test.")
        _require_folders(markdown, html)
        wanted = _Wanted(learned_from, judged_on, target, resamples, remarks, _paragraphs(remarks))
        manager, console = learning_manager("evaluate"), command_console()
        report = _evaluate(manager, console, wanted)
        _print(console, report)
        markdown.write_text(report.markdown(), encoding="utf-8")
        html.write_text(report.html(), encoding="utf-8")
        console.print(f"Written: {markdown} and {html}.", soft_wrap=True)


@dataclass(frozen=True)
class _Wanted:
    """What is to be learned from, judged and written; paragraphs: what the file of remarks says."""

    learned_from: list[str]
    judged_on: list[str]
    target: Target
    resamples: int
    remarks: Path | None
    paragraphs: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command that makes the same report again."""
        names = f"--train {','.join(self.learned_from)} --test {','.join(self.judged_on)}"
        resamples = "" if self.resamples == RESAMPLES else f" --resamples {self.resamples}"
        remarks = f" --remarks {self.remarks}" if self.remarks else ""
        return f"veritas evaluate {names} --target {self.target}{resamples}{remarks}"


def _require_folders(*reports: Path) -> None:
    """Refuse before the work is done what could not be written after it."""
    for report in reports:
        if not report.parent.is_dir():
            raise ConfigurationError(f"There is no folder {report.parent} to write {report.name}.")
        if report.is_dir():
            raise ConfigurationError(f"{report} is a folder.")


def _paragraphs(remarks: Path | None) -> tuple[str, ...]:
    if remarks is None:
        return ()
    try:
        text = remarks.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise ConfigurationError(f"--remarks: {remarks} is no text that can be read.") from failure
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _evaluate(manager: DropoutDatabaseManager, console: Console, wanted: _Wanted) -> Report:
    with steps_shown(console) as tell:
        learned = rows_of(manager, wanted.learned_from, TRAINING_DAYS, wanted.target, tell)
        judged = rows_of(manager, wanted.judged_on, CUT_OFFS, wanted.target, tell)
        trained = _trained(learned, tell)
        at_cut_offs = learned.where(np.isin(learned["day"], CUT_OFFS))
        found = evaluate_days(trained.model, at_cut_offs, judged, wanted.resamples, tell)
    if not found:
        raise ConfigurationError(
            "There is nothing to judge: on none of the days did some leave and others stay."
        )
    moved = drifts(at_cut_offs, judged, [name for name in INPUTS if name != DAY])
    title = f"Model card: dropout risk, judged on {', '.join(wanted.judged_on)}"
    about = [*_about(trained, wanted), *_left_out([day.day for day in found])]
    return Report(title, about, found, moved)


def _trained(rows: EnrolmentRows, tell: Progress) -> TrainedModel:
    try:
        return train(rows, tell)
    except TooFewEnrolments as refusal:
        raise ConfigurationError(f"Too little to learn from: {refusal}.") from refusal


def _about(trained: TrainedModel, wanted: _Wanted) -> list[str]:
    what = (
        f"Learned from {', '.join(wanted.learned_from)}, judged on {', '.join(wanted.judged_on)}. "
        f"What is predicted: {wanted.target}. {_meant(wanted.target)}{_chosen(trained)} "
        f"{wanted.resamples} resamples of the students."
    )
    again = f"Again: `{wanted.command}`"
    return [PURPOSE, HOW_IT_JUDGES, what, HOW, LIMITS, *wanted.paragraphs, again]


def _left_out(judged: list[int]) -> list[str]:
    days = [str(day) for day in CUT_OFFS if day not in judged]
    if not days:
        return []
    why = "after it nobody left, or everybody, in what was learned from or in what was judged"
    return [f"Left out: day {', '.join(days)}; {why}, or the courses were over."]


def _meant(target: Target) -> str:
    if target is Target.WITHDRAWN:
        return ""
    return "Where leaving is spoken of, to stay and to fail is meant, too. "


def _chosen(trained: TrainedModel) -> str:
    told = [_shape("Courses without data of activity", trained.without_activity)]
    if trained.with_activity is not None:
        told.append(_shape("Courses with such data", trained.with_activity))
    return " ".join(told)


def _shape(courses: str, trained: TrainedVariant) -> str:
    shape, share = trained.parameters, trained.variant.blend.share
    return (
        f"{courses}: {share:.0%} of the sum of signs, and {shape['trees']} trees that end in up to "
        f"{shape['leaves']} answers each."
    )


def _print(console: Console, report: Report) -> None:
    for paragraph in report.about:
        console.print(paragraph, soft_wrap=True)
    for table in report.tables():
        told = Shown(*table.heads, title=table.title, caption=table.note, title_justify="left")
        for row in table.rows:
            told.add_row(*row)
        console.print(told)
