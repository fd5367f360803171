"""Features of all enrolments at five days: in SQL from the rollup, beside polars from the CSV.

`python -m benchmarks.enrolment_features --oulad FILE [--clicks N]`. By default at the published
size, 10,655,280 clicks, made by tiling the real rows, which are imported first. Both make the same
figures in the same run, and they are compared. Needs the extra `bench`.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from sqlalchemy import Engine

from benchmarks.oulad_import import SETTINGS, importing, timed
from benchmarks.support.harness import machine, migrated_server
from benchmarks.support.polars_enrolments import enrolment_features as by_polars
from benchmarks.support.polars_enrolments import read_oulad
from benchmarks.support.tiled_oulad import PUBLISHED_CLICKS, tile
from dropout_service.database.features.enrolment import Columns, enrolment_features
from dropout_service.domain.enrolments.enrolment_features import FEATURE_NAMES
from shared_db.connection.database import Database

LIMIT = 2.0
DAYS = (0, 28, 56, 84, 112)


def features_by_us(engine: Engine) -> list[Columns]:
    """Return the features of all days, by the statement of the service."""
    found = []
    for day in DAYS:
        with Database.on(engine, statement_timeout_seconds=600).reading() as session:
            found.append(enrolment_features(session, day))
    return found


def features_by_polars(folder: Path) -> list[pl.DataFrame]:
    """Return the same from the files."""
    files = read_oulad(folder)
    return [by_polars(files, day) for day in DAYS]


def differences(ours: Columns, theirs: pl.DataFrame) -> list[str]:
    """Return the columns in which the two do not agree."""
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


def main() -> None:
    """Print the times; status 1 when ours takes longer than allowed or a figure differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--oulad", type=Path, required=True, help="OULAD's zip or folder.")
    parser.add_argument("--clicks", type=int, default=PUBLISHED_CLICKS, help="0: the real ones.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, migrated_server(SETTINGS) as server:
        folder = Path(name)
        tile(options.oulad, folder, options.clicks)
        engine = server.engine()
        imported = timed(importing(engine, folder).run)
        seconds, different = compare(engine, folder)
        print(machine(server))
    print(f"import, with the rollup       {imported:8.1f} s")
    print(f"features, from the rollup     {seconds[0]:8.2f} s")
    print(f"features, polars from the CSV {seconds[1]:8.2f} s")
    ratio = seconds[0] / seconds[1]
    print(f"ratio {ratio:.2f}, at most {LIMIT}; figures that differ: {different or 'none'}")
    raise SystemExit(0 if ratio <= LIMIT and not different else 1)


def compare(engine: Engine, folder: Path) -> tuple[tuple[float, float], list[str]]:
    """Return our and their seconds for all days, and the figures that differ on one of them."""
    begun = time.perf_counter()
    ours = features_by_us(engine)
    between = time.perf_counter()
    theirs = features_by_polars(folder)
    ended = time.perf_counter()
    pairs = zip(DAYS, ours, theirs, strict=True)
    different = [
        f"{name} on day {day}" for day, us, them in pairs for name in differences(us, them)
    ]
    return (between - begun, ended - between), different


if __name__ == "__main__":
    main()
