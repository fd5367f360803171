"""Counts of `domain.rules.activity`, computed by polars from the events."""

from datetime import datetime
from pathlib import Path

import polars as pl

from dropout_service.database.events.daily_query import SESSION_GAP_SECONDS
from dropout_service.domain.rules.activity import BEFORE_DAYS, RECENT_DAYS, RHYTHM_DAYS, epoch_day

STUDENT = "student_id"


def features_by_polars(parquet: Path, as_of: datetime) -> pl.DataFrame:
    """Return a row per student with the columns of `Activity` that events give."""
    events = pl.scan_parquet(parquet).filter(pl.col("occurred_at") <= as_of)
    age = epoch_day(as_of) - pl.col("day")
    windows = {
        "recent": age < RECENT_DAYS,
        "before": (age >= RECENT_DAYS) & (age < RECENT_DAYS + BEFORE_DAYS),
    }
    parts = [
        _counts(events, windows),
        _sessions(events, windows),
        _answers(events, windows),
        _gaps(events, {**windows, "rhythm": age < RHYTHM_DAYS}),
    ]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.join(part, on=STUDENT, how="left")
    counts = (
        pl.selectors.integer() - pl.selectors.ends_with("_day") - pl.selectors.matches("longest")
    )
    return whole.collect().with_columns((counts | pl.selectors.float()).fill_null(0))


def _counts(events: pl.LazyFrame, windows: dict[str, pl.Expr]) -> pl.LazyFrame:
    is_submission = pl.col("event_type") == "QUESTION_SUBMIT"
    counts = {
        "events": pl.lit(value=True),
        "submissions": is_submission,
        "graded": pl.col("is_correct").is_not_null(),
        "correct": pl.col("is_correct").fill_null(value=False),
        "judged": pl.col("is_correct").is_not_null() & pl.col("question_id").is_not_null(),
        "hints": pl.col("event_type") == "HINT_REQUEST",
    }
    return events.group_by(STUDENT).agg(
        pl.col("occurred_at").min().alias("first_event_at"),
        pl.col("occurred_at").max().alias("last_event_at"),
        *(
            (fits & window).sum().alias(f"{name}_{of}")
            for name, fits in counts.items()
            for of, window in windows.items()
        ),
        *(
            pl.col("day").filter(window).n_unique().alias(f"active_days_{of}")
            for of, window in windows.items()
        ),
        pl.col("day").filter(is_submission).min().alias("first_submission_day"),
        pl.col("day").filter(is_submission).max().alias("last_submission_day"),
    )


def _sessions(events: pl.LazyFrame, windows: dict[str, pl.Expr]) -> pl.LazyFrame:
    group = [STUDENT, "course", "day"]
    kind = pl.col("event_type")
    ordered = events.sort(*group, "occurred_at", "id").with_columns(
        (pl.col("occurred_at") - pl.col("occurred_at").shift().over(group))
        .dt.total_microseconds()
        .truediv(1e6)
        .alias("quiet"),
        kind.shift().over(group).alias("previous"),
        kind.is_in(["SESSION_START", "SESSION_END"]).any().over(group).alias("is_told"),
    )
    begins = (
        pl.col("quiet").is_null()
        | (kind == "SESSION_START")
        | (pl.col("previous") == "SESSION_END").fill_null(value=False)
        | (~pl.col("is_told") & (pl.col("quiet") > SESSION_GAP_SECONDS))
    )
    lasts = pl.when(begins).then(0.0).otherwise(pl.col("quiet"))
    return ordered.group_by(STUDENT).agg(
        *((begins & window).sum().alias(f"sessions_{of}") for of, window in windows.items()),
        *(lasts.filter(w).sum().alias(f"session_seconds_{of}") for of, w in windows.items()),
    )


def _answers(events: pl.LazyFrame, windows: dict[str, pl.Expr]) -> pl.LazyFrame:
    question = [STUDENT, "question_id"]
    is_right = pl.col("is_correct").fill_null(value=False)
    answers = (
        events.filter(
            (pl.col("event_type") == "QUESTION_SUBMIT") & pl.col("question_id").is_not_null()
        )
        .sort(*question, "occurred_at", "id")
        .with_columns(
            (pl.col("id").cum_count().over(question) == 1).alias("is_new"),
            (is_right & (is_right.cum_sum().over(question) == 1)).alias("is_solved"),
            pl.col("answer").shift().over(question).alias("earlier"),
        )
    )
    compared = pl.col("answer").is_not_null() & pl.col("earlier").is_not_null()
    return answers.group_by(STUDENT).agg(
        pl.len().alias("answers"),
        pl.col("is_new").sum().alias("questions_attempted"),
        pl.col("is_solved").sum().alias("questions_solved"),
        *((pl.col("is_solved") & w).sum().alias(f"solved_{of}") for of, w in windows.items()),
        pl.col("day").filter(pl.col("is_solved")).max().alias("last_new_solution_day"),
        compared.sum().alias("compared"),
        (compared & (pl.col("answer") == pl.col("earlier"))).sum().alias("kept"),
    )


def _gaps(events: pl.LazyFrame, windows: dict[str, pl.Expr]) -> pl.LazyFrame:
    days = events.select(STUDENT, "day").unique().sort(STUDENT, "day")
    gap = pl.col("gap")
    return (
        days.with_columns((pl.col("day") - pl.col("day").shift().over(STUDENT)).alias("gap"))
        .group_by(STUDENT)
        .agg(
            *(gap.filter(w).count().alias(f"gaps_{of}") for of, w in windows.items()),
            *(gap.filter(w).sum().alias(f"gap_days_{of}") for of, w in windows.items()),
            (gap * gap).filter(windows["rhythm"]).sum().alias("gap_squares_rhythm"),
            gap.filter(windows["rhythm"]).max().alias("longest_gap_rhythm"),
        )
    )
