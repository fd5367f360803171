"""Features of all enrolments at five days: SQL from the rollup, beside polars from the CSV.

By default at the published size, 10,655,280 clicks, by tiling the real rows, which are imported
first. The figures of both are compared. Needs the extra `bench`.
"""

import tempfile
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import polars as pl
from sqlalchemy import Engine

from benchmarks.oulad_import import SETTINGS, importing
from benchmarks.support.command import run
from benchmarks.support.tiled_oulad import PUBLISHED_CLICKS, tile
from benchmarks.support.timing import machine, timed
from dropout_service.database.features.enrolment import Columns, enrolment_features
from shared_db.connection.database import Database
from tests.support.polars_enrolments import differences, read_oulad
from tests.support.polars_enrolments import enrolment_features as by_polars
from tests.support.service_processes import migrated_server

LIMIT = 2.0
DAYS = (0, 28, 56, 84, 112)


def features_by_us(engine: Engine) -> list[Columns]:
    """Return the features of all days, by the statement of the service."""
    found = []
    for day in DAYS:
        with Database.for_bind(engine, statement_timeout_seconds=600).reading() as session:
            found.append(enrolment_features(session, day))
    return found


def features_by_polars(folder: Path) -> list[pl.DataFrame]:
    """Return the features of all days from the files."""
    files = read_oulad(folder)
    return [by_polars(files, day) for day in DAYS]


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


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--oulad", type=Path, required=True, help="OULAD's zip or folder.")
    parser.add_argument("--clicks", type=int, default=PUBLISHED_CLICKS, help="0: the real ones.")


def main(options: Namespace) -> bool:
    """Print the times; return True if they are within the limit and the figures are equal."""
    with tempfile.TemporaryDirectory() as name, migrated_server(SETTINGS) as server:
        folder = Path(name)
        tile(options.oulad, folder, options.clicks)
        engine = server.engine()
        imported = timed(importing(engine, folder).run)
        (ours, theirs), different = compare(engine, folder)
        print(machine(server))
    print(f"import, with the rollup       {imported:8.1f} s")
    print(f"features, from the rollup     {ours:8.2f} s")
    print(f"features, polars from the CSV {theirs:8.2f} s")
    ratio = ours / theirs
    print(f"ratio {ratio:.2f}, at most {LIMIT}; figures that differ: {different or 'none'}")
    return ratio <= LIMIT and not different


if __name__ == "__main__":
    run("enrolment_features")
