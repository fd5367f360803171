"""Features of enrolments from OULAD's CSV files, by polars: an independent reference for ours.

Kuzilek, Hlosta, Zdrahal 2017, Scientific Data 4:170171. Same names and meanings as
`dropout_service.domain.enrolments.enrolment_features`; null is unknown. OULAD has no questions.
"""

import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from dropout_service.database.features.enrolment import Columns
from dropout_service.domain.enrolments.enrolment_features import (
    ACTIVITY_WINDOWS,
    FEATURE_NAMES,
    LAST_DUE,
    MAX_COMPLETION_SCORE,
    MIDRANKED,
    RANKED_ACTIVITY,
    midrank_name,
    percentile_name,
)

KEY = ["course", "student_id"]
RANKED = {
    "registration_lead_percentile": "registration_lead_days",
    "weight_done_percentile": "weight_done_share",
    "mean_lead_percentile": "mean_lead_days",
    "score_percentile": "score_mean",
}
_FIRST_MONTH = {"B": 2, "J": 10}
_DIGITS = 9
_COURSE = pl.concat_str("code_module", pl.lit("-"), "code_presentation").alias("course")


@dataclass(frozen=True)
class Oulad:
    """The files as frames; activity is by enrolment and day."""

    enrolments: pl.LazyFrame
    coursework: pl.LazyFrame
    submissions: pl.LazyFrame
    days: pl.LazyFrame
    uses: pl.LazyFrame


def read_oulad(path: Path) -> Oulad:
    """Read a folder, or a zip, of OULAD's files."""
    info = _read(path, "studentInfo.csv").with_columns(_COURSE)
    registered = _read(path, "studentRegistration.csv").with_columns(_COURSE)
    coursework = _read(path, "assessments.csv").with_columns(_COURSE).rename({"date": "due_day"})
    clicks = _read(path, "studentVle.csv").with_columns(_COURSE)
    types = _read(path, "vle.csv").select("id_site", "activity_type")
    clicks = clicks.join(types, on="id_site", how="left").rename({"id_student": "student_id"})
    return Oulad(
        enrolments=_enrolments(info.join(registered, on=["course", "id_student"])).lazy(),
        coursework=coursework.filter(pl.col("assessment_type") != "Exam").lazy(),
        submissions=_read(path, "studentAssessment.csv")
        .rename({"id_student": "student_id", "date_submitted": "submitted_day"})
        .lazy(),
        days=clicks.group_by(*KEY, day="date").agg(clicks=pl.col("sum_click").sum()).lazy(),
        uses=clicks.group_by(*KEY, "activity_type").agg(first_day=pl.col("date").min()).lazy(),
    )


def _read(path: Path, name: str) -> pl.DataFrame:
    if path.is_dir():
        return _frame(path / name)
    with zipfile.ZipFile(path) as archive:
        member = next(n for n in archive.namelist() if n.rpartition("/")[2] == name)
        with archive.open(member) as content:
            return _frame(content)


def _frame(source: Path | IO[bytes]) -> pl.DataFrame:
    return pl.read_csv(source, null_values=["", "?"], infer_schema_length=None)


def _enrolments(joined: pl.DataFrame) -> pl.DataFrame:
    starts = {
        presentation: date(int(presentation[:4]), _FIRST_MONTH[presentation[4]], 1)
        for presentation in joined["code_presentation"].unique()
    }
    return joined.select(
        "course",
        student_id="id_student",
        module="code_module",
        starts_on=pl.col("code_presentation").replace_strict(starts),
        registered_day="date_registration",
        unregistered_day="date_unregistration",
        outcome=pl.col("final_result").str.to_uppercase(),
        credits="studied_credits",
        previous_attempts="num_of_prev_attempts",
        gender="gender",
        disability="disability",
        deprivation_band="imd_band",
    )


def enrolment_features(oulad: Oulad, as_of_day: int) -> pl.DataFrame:
    """Return one row per enrolment that is registered at the end of that day of its course."""
    here = pl.col("registered_day").is_null() | (pl.col("registered_day") <= as_of_day)
    left = pl.col("unregistered_day") <= as_of_day
    population = oulad.enrolments.filter(here, ~left.fill_null(value=False)).with_columns(
        day=pl.lit(as_of_day), registration_lead_days=-pl.col("registered_day")
    )
    rows = _with_coursework(population, oulad, as_of_day)
    rows = _with_scores(rows, oulad, as_of_day).with_columns(*_percentiles(RANKED), *_midranks())
    return _with_activity(rows, oulad, as_of_day).collect()


def _percentiles(ranked: dict[str, str]) -> list[pl.Expr]:
    return [
        ((pl.col(of).rank("min").over("course") - 1) / pl.col(of).count().over("course")).alias(
            name
        )
        for name, of in ranked.items()
    ]


def _midranks() -> list[pl.Expr]:
    return [
        (
            (pl.col(one.name).rank("average").over("course") - 0.5)
            / pl.col(one.name).count().over("course")
        ).alias(midrank_name(one.name))
        for one in MIDRANKED
    ]


def _with_coursework(rows: pl.LazyFrame, oulad: Oulad, day: int) -> pl.LazyFrame:
    due = pl.col("due_day") <= day
    done, weight = pl.col("submitted_day").is_not_null(), pl.col("weight")
    banked = done & (pl.col("is_banked") == 1)
    handed_in = done & ~banked
    known = oulad.submissions.filter(pl.col("submitted_day") <= day)
    set_work = oulad.coursework.select("course", "id_assessment", "due_day", "weight")
    each = (
        rows.select(*KEY, "registered_day")
        .join(set_work, on="course")
        .join(known, on=["id_assessment", "student_id"], how="left")
        .sort("due_day", "id_assessment")
    )
    lead = (pl.col("due_day") - pl.col("submitted_day")).filter(handed_in)
    since = (pl.col("due_day") >= pl.col("registered_day")).fill_null(value=True)
    missed = (due & ~done & since).fill_null(value=False)
    found = each.group_by(KEY).agg(
        assessments_due=due.sum(),
        assessments_handed_in=handed_in.sum(),
        assessments_late=(lead < 0).sum(),
        assessments_missed=missed.sum(),
        missed_last_two=pl.when(due.any()).then(missed.filter(due).tail(LAST_DUE).sum()),
        assessments_banked=banked.sum(),
        due_done_share=done.filter(due).mean(),
        weight_done_share=_share(weight.filter(done).sum(), weight.sum()),
        due_weight_done_share=_share(weight.filter(due & done).sum(), weight.filter(due).sum()),
        days_since_submission=day - pl.col("submitted_day").filter(handed_in).max(),
        mean_lead_days=lead.mean(),
    )
    return rows.join(found, on=KEY, how="left")


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return a quotient without its last bits, so that equal values have the same rank."""
    return pl.when(whole > 0).then(part / whole).round(_DIGITS)


def _with_scores(rows: pl.LazyFrame, oulad: Oulad, day: int) -> pl.LazyFrame:
    score, weight = pl.col("score"), pl.col("weight")
    earlier = score.head(pl.len() - 1)
    weighs = (weight > 0) | (weight.max().over("course") == 0)
    graded = oulad.coursework.filter(weighs).join(rows.select(*KEY), on="course")
    here = oulad.submissions.filter(pl.col("submitted_day") <= day).join(
        graded, on=["id_assessment", "student_id"]
    )
    is_mark = score.max().over("id_assessment") > MAX_COMPLETION_SCORE
    found = (
        here.filter(is_mark)
        .filter(pl.col("is_banked") == 0, score.is_not_null())
        .sort("submitted_day", "due_day", "id_assessment")
        .group_by(KEY)
        .agg(
            score_mean=_share((score * weight).sum(), weight.sum()).fill_null(
                score.mean().round(_DIGITS)
            ),
            lowest_score=score.min(),
            last_score=score.last(),
            score_trend=pl.when(pl.len() > 1).then(score.last() - earlier.mean()).round(_DIGITS),
        )
    )
    return rows.join(found, on=KEY, how="left")


def _with_activity(rows: pl.LazyFrame, oulad: Oulad, day: int) -> pl.LazyFrame:
    until = pl.col("day")
    spans = oulad.days.group_by("course").agg(begins=until.min(), ends=until.max())
    covered = (pl.col("begins") <= day) & (pl.col("ends") >= day)
    rows = rows.join(spans, on="course", how="left").with_columns(
        has_activity=covered.fill_null(value=False)
    )
    names = [feature.name for feature in RANKED_ACTIVITY]
    ranked = {percentile_name(name): name for name in names}
    found = rows.join(_active_days(oulad, day), on=KEY, how="left").join(
        _types_used(oulad, day), on=KEY, how="left"
    )
    never_since = pl.col("days_since_activity").fill_null(day - pl.col("begins") + 1)
    return (
        found.with_columns(
            pl.when("has_activity").then(
                never_since if name == "days_since_activity" else pl.col(name).fill_null(0)
            )
            for name in names
        )
        .with_columns(_percentiles(ranked))
        .drop("begins", "ends")
    )


def _active_days(oulad: Oulad, day: int) -> pl.LazyFrame:
    on, clicks = pl.col("day"), pl.col("clicks")
    return (
        oulad.days.filter(on <= day)
        .sort(*KEY, "day")
        .group_by(KEY)
        .agg(
            *(
                (7 / days * clicks.filter(on > day - days).sum()).alias(f"clicks_per_week_{days}")
                for days in ACTIVITY_WINDOWS
            ),
            *((on > day - days).sum().alias(f"active_days_{days}") for days in ACTIVITY_WINDOWS),
            days_since_activity=day - on.max(),
            clicks_total=clicks.sum(),
        )
    )


def _types_used(oulad: Oulad, day: int) -> pl.LazyFrame:
    known = oulad.uses.filter(pl.col("first_day") <= day)
    return known.group_by(KEY).agg(resource_types=pl.len())


def differences(ours: Columns, theirs: pl.DataFrame) -> list[str]:
    """Return the names of the features in which the service's columns differ from these."""
    id_ = pl.concat_str(pl.lit("oulad-"), "course", pl.lit("-"), "student_id")
    theirs = theirs.with_columns(id_.alias("enrolment_id")).sort("enrolment_id")
    if ours["enrolment_id"].tolist() != theirs["enrolment_id"].to_list():
        return ["enrolments"]
    return [
        name
        for name in FEATURE_NAMES
        if name in theirs.columns
        and not np.allclose(
            ours[name], theirs[name].cast(pl.Float64).to_numpy(), rtol=1e-9, equal_nan=True
        )
    ]
