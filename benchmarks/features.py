"""Features of a cohort: from the rollup in PostgreSQL, beside polars from Parquet.

The figures of both are compared. Needs the extra `bench`.
"""

import io
import tempfile
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import polars as pl
from sqlalchemy import Engine, text

from benchmarks.support.command import run
from benchmarks.support.polars_features import features_by_polars
from benchmarks.support.timing import timed
from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.features.activity_query import activity_statement
from dropout_service.database.predictions.batch import EVERYBODY
from dropout_service.domain.rules.activity import epoch_day
from shared_db.connection.database import Database
from shared_db.pseudonyms import pseudonym_of
from tests.support.service_processes import migrated_server

LIMIT = 2.0
TURNS = 5
AS_OF = datetime(2026, 6, 1, 15, 30, tzinfo=UTC)
DAYS = 100
EVENT_TYPES = ("QUESTION_SUBMIT", "RESOURCE_VIEW", "NAVIGATION", "HINT_REQUEST")
SETTINGS = {"shared_buffers": "512MB", "work_mem": "64MB", "max_wal_size": "4GB"}


def synthetic_events(students: int, events: int) -> pl.DataFrame:
    """Return synthetic sessions over 100 days, a few after `AS_OF`; the same in each run."""
    random = Random(20260601)
    rows: list[tuple[Any, ...]] = []
    first = AS_OF - timedelta(days=DAYS - 2)
    while len(rows) < events:
        student = f"student-{random.randrange(students):06}"
        at = first + timedelta(days=random.randrange(DAYS), seconds=random.randrange(50_000))
        for _ in range(random.randint(3, 8)):
            at += timedelta(seconds=random.randrange(10, 900))
            rows.append((student, at, *_activity(random)))
    names = ["student_id", "occurred_at", "event_type", "question_id", "is_correct", "answer"]
    frame = pl.DataFrame(rows[:events], schema=names, orient="row")
    return frame.with_columns(
        pl.int_range(pl.len()).cast(pl.String).str.zfill(9).alias("id"),
        (pl.col("occurred_at").dt.epoch("d")).cast(pl.Int32).alias("day"),
        course=pl.lit("course"),
    )


def _activity(random: Random) -> tuple[str, str | None, bool | None, str | None]:
    kind = random.choice(EVENT_TYPES)
    if kind != "QUESTION_SUBMIT":
        return kind, None, None, None
    return kind, f"q{random.randrange(200)}", random.random() < 0.6, random.choice("abcd")


def load(engine: Engine, events: pl.DataFrame) -> None:
    """COPY students and events, as an import does."""
    students = events["student_id"].unique().sort().to_list()
    made = AS_OF.isoformat()
    _copy(
        engine,
        "students (id, pseudonym, created_at)",
        pl.DataFrame({"id": students, "p": [pseudonym_of(s) for s in students]}).with_columns(
            pl.lit(made)
        ),
    )
    answer = pl.concat_str(pl.lit("\\x"), pl.col("answer").str.encode("hex"))
    _copy(
        engine,
        "learning_events (id, student_id, event_type, question_id, course, is_correct,"
        " answer_digest, occurred_at, day, recorded_at, digest)",
        events.select(
            "id",
            "student_id",
            "event_type",
            "question_id",
            "course",
            "is_correct",
            answer.alias("answer_digest"),
            pl.col("occurred_at").dt.to_string("iso:strict"),
            "day",
            pl.lit(made).alias("recorded_at"),
            pl.lit("\\x00").alias("digest"),
        ),
    )


def _copy(engine: Engine, target: str, frame: pl.DataFrame) -> None:
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        data = io.BytesIO(frame.write_csv(include_header=False).encode())
        cursor.copy_expert(f"COPY dropout.{target} FROM STDIN (FORMAT csv)", data)


def build_rollup(manager: DropoutDatabaseManager) -> None:
    """Build the rollup of all students, in batches."""
    after: str | None = ""
    while after is not None:
        after = manager.events.rebuild_daily_activity(after=after, limit=2000)


def features_by_us(engine: Engine) -> pl.DataFrame:
    """Return the figures of all students, by the manager's statement."""
    values = {"as_of": AS_OF, "today": epoch_day(AS_OF)}
    with engine.connect() as connection:
        rows = connection.execute(activity_statement(EVERYBODY), values)
        return pl.DataFrame(rows.all(), schema=list(rows.keys()), orient="row")


def differences(ours: pl.DataFrame, theirs: pl.DataFrame) -> list[str]:
    """Return the names of the columns that differ."""
    ours = ours.sort("id")
    theirs = theirs.sort("student_id")
    if ours["id"].to_list() != theirs["student_id"].to_list():
        return ["students"]
    names = [name for name in theirs.columns if name != "student_id"]
    return [name for name in names if not _agree(ours[name], theirs[name])]


def _agree(one: pl.Series, other: pl.Series) -> bool:
    if pl.Datetime in (one.dtype, other.dtype):
        one, other = one.dt.epoch("us"), other.dt.epoch("us")
    pairs = zip(one.cast(pl.Float64), other.cast(pl.Float64), strict=True)
    return all(a == b or (a is not None and b is not None and abs(a - b) < 1e-3) for a, b in pairs)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--students", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=2_000_000)


def main(options: Namespace) -> bool:
    """Print the times; return True if they are within the limit and the figures are equal."""
    events = synthetic_events(options.students, options.events)
    with tempfile.TemporaryDirectory() as folder, migrated_server(SETTINGS) as server:
        parquet = Path(folder, "events.parquet")
        events.write_parquet(parquet)
        engine = server.engine()
        manager = DropoutDatabaseManager(Database.for_bind(engine, statement_timeout_seconds=600))
        copied = timed(lambda: load(engine, events))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE dropout.learning_events"))
        built = timed(lambda: build_rollup(manager))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE dropout.daily_activity, dropout.students"))
            count = connection.scalar(text("SELECT count(*) FROM dropout.daily_activity"))
        ours = median(timed(lambda: features_by_us(engine)) for _ in range(TURNS))
        theirs = median(timed(lambda: features_by_polars(parquet, AS_OF)) for _ in range(TURNS))
        figures = features_by_us(engine)
        different = differences(figures, features_by_polars(parquet, AS_OF))
    ratio = ours / theirs
    print(f"{len(events):,} events of {len(figures):,} students; medians of {TURNS} turns")
    print(f"COPY of the events            {copied:8.2f} s")
    print(f"building the rollup           {built:8.2f} s  ({count:,} rows)")
    print(f"features, one statement       {ours:8.2f} s")
    print(f"features, polars from Parquet {theirs:8.2f} s")
    print(f"ratio {ratio:.2f}, at most {LIMIT}; figures that differ: {different or 'none'}")
    return ratio <= LIMIT and not different


if __name__ == "__main__":
    run("features")
