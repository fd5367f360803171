"""Tables at the end of a demonstration: the teacher's dashboard, the highest risks, a class."""

from collections.abc import Mapping
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from veritas_cli.demo.dataset import Body, Demonstration
from veritas_cli.http_client import ServiceName, VeritasClient

_DASHBOARD_ROWS = 15
_HIGHEST = 10
_CLASS_ROWS = 5
_PAGE = 100
_NONE = "-"
# Terminals of 80 columns are common, so the tables waste no space.
_NARROW: dict[str, Any] = {"show_edge": False, "pad_edge": False, "padding": (0, 1, 0, 0)}
_FIGURES = ("Mean", "Marks", "Risk", "Score")
_LONG = ("Main reason", "What to do", "What became of them", "Profile")
_COLOURS = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow", "LOW": "green"}


def show_dashboard(console: Console, client: VeritasClient, demonstration: Demonstration) -> None:
    """Print the demonstration's rows of the teacher's dashboard by descending risk.

    Raises:
        ClientError: a call failed.

    """
    own = {student["id"] for student in demonstration.students}
    listed = client.pages(ServiceName.STAFFSTUDDASH, "/api/v1/dashboard/teacher")
    rows = [row for row in listed if row["student_id"] in own]
    at_risk = [row for row in rows if row["risk"]]
    at_risk.sort(key=lambda row: -row["risk"]["score"])
    shown = (at_risk or rows)[:_DASHBOARD_ROWS]
    which = "highest risks" if at_risk else "first"
    title = f"The teacher's dashboard: {which}, {len(shown)} of {len(rows)}; all marks to date"
    table = _table(title, "Student", "Name", "Mean", "Marks", "Risk", "Level", "Type")
    for row in shown:
        table.add_row(row["student_id"], row["name"], *_performance(row), *_risk(row))
    console.print()
    console.print(table)


def show_highest(
    console: Console,
    client: VeritasClient,
    demonstration: Demonstration,
    predictions: Mapping[str, Body],
) -> None:
    """Print the highest risks with their reasons and the students' known outcomes.

    Raises:
        ClientError: a call failed.

    """
    highest = _highest(client, predictions)
    if highest is None:
        highest = _ranked(predictions)
        console.print(
            "dropout has later predictions of some of these students, which the dashboard shows; "
            "the table below is as of this day.",
            soft_wrap=True,
        )
    table = _table(
        f"The {len(highest)} highest risks as of {demonstration.as_of_words}",
        *("Student", "Score", "Level", "Type", "Main reason", "What to do"),
        demonstration.outcome_heading,
    )
    for prediction in highest:
        table.add_row(*_prediction(demonstration, prediction))
    console.print()
    console.print(table)
    if highest and demonstration.lost is not None:
        console.print(_hit_rate(demonstration.lost, highest, predictions), soft_wrap=True)


def show_class(console: Console, client: VeritasClient, demonstration: Demonstration) -> None:
    """Print the highest risks of one class, from its own events and marks.

    Raises:
        ClientError: a call failed.

    """
    if demonstration.shown_class is None:
        return
    path = f"/api/v1/courses/{demonstration.shown_class}/risks"
    rows = list(client.pages(ServiceName.DROPOUT, path))
    title = f"The class {demonstration.shown_class}: {len(rows)} students by their risk in it"
    table = _table(title, "Student", "Score", "Level", "Place", "Main reason")
    for row in rows[:_CLASS_ROWS]:
        indicators = row["primary_indicators"]
        table.add_row(
            demonstration.name_of(row["student_id"]),
            f"{row['risk_score']:.2f}",
            _level(row["risk_level"]),
            f"{row['course_rank']} of {row['course_ranked']}",
            indicators[0]["text"] if indicators else _NONE,
        )
    console.print()
    console.print(table)


def _highest(client: VeritasClient, predictions: Mapping[str, Body]) -> list[Body] | None:
    """Return the highest risks as the service lists them, or None if later ones supersede some."""
    expected = [prediction["id"] for prediction in _ranked(predictions)]
    ids = {prediction["id"] for prediction in predictions.values()}
    found: list[Body] = []
    if expected:
        for prediction in client.pages(ServiceName.DROPOUT, "/api/v1/predictions", _PAGE):
            found += [prediction] if prediction["id"] in ids else []
            if len(found) == len(expected):
                break
    return found if [prediction["id"] for prediction in found] == expected else None


def _ranked(predictions: Mapping[str, Body]) -> list[Body]:
    return sorted(predictions.values(), key=lambda p: (p["risk_score"], p["id"]), reverse=True)[
        :_HIGHEST
    ]


def _hit_rate(lost: frozenset[str], highest: list[Body], predictions: Mapping[str, Body]) -> str:
    hits = sum(prediction["student_id"] in lost for prediction in highest)
    overall = len(lost & predictions.keys())
    lowest = highest[-1]["risk_score"]
    ties = sum(prediction["risk_score"] >= lowest for prediction in predictions.values())
    note = f" {ties} have at least {lowest:.2f}; the id decides among equals."
    return (
        f"{hits} of these {len(highest)} withdrew or failed afterwards; of all "
        f"{len(predictions)} assessed, {overall} did ({overall / len(predictions):.0%})."
        f"{note if ties > len(highest) else ''}"
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, **_NARROW)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in _FIGURES else "left"
        table.add_column(column, justify=justify, no_wrap=column not in _LONG)
    return table


def _performance(row: Body) -> tuple[str, str]:
    mean = row["mean_percentage"]
    return _NONE if mean is None else f"{mean:.0f} %", str(row["assessment_count"])


def _risk(row: Body) -> tuple[str, Text, str]:
    risk = row["risk"]
    if risk is None:
        return _NONE, Text(row["risk_missing_because"]), _NONE
    return f"{risk['score']:.2f}", _level(risk["level"]), risk["dropout_type"]


def _prediction(demonstration: Demonstration, prediction: Body) -> tuple[str | Text, ...]:
    indicators, advice = prediction["primary_indicators"], prediction["recommendations"]
    return (
        demonstration.name_of(prediction["student_id"]),
        f"{prediction['risk_score']:.2f}",
        _level(prediction["risk_level"]),
        prediction["dropout_type"],
        indicators[0]["text"] if indicators else _NONE,
        advice[0] if advice else _NONE,
        demonstration.outcomes[prediction["student_id"]],
    )


def _level(level: str) -> Text:
    return Text(level, style=_COLOURS.get(level, ""))
