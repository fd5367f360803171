"""Cost of each index of monitoring's events: rows a second without it, and its bytes per event."""

import random
from argparse import ArgumentParser, Namespace
from datetime import timedelta
from functools import partial
from itertools import count

from sqlalchemy import Engine, text

from benchmarks.support.command import run
from benchmarks.support.log_rows import SOURCES, WORDS, load
from benchmarks.support.timing import machine, timed
from monitoring_service.database import EventToStore, MonitoringDatabase
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from tests.support.service_processes import migrated_server

BATCH = 1_000
STORED = 50_000
_NAMES = text(
    "SELECT indexname FROM pg_indexes WHERE schemaname = 'monitoring'"
    " AND tablename = 'monitoring_logs' ORDER BY 1"
)
_DEFINITION = text("SELECT indexdef FROM pg_indexes WHERE indexname = :name")
_BYTES = text(
    "SELECT sum(pg_relation_size(inhrelid)) FROM pg_inherits"
    " WHERE inhparent = format('monitoring.%I', CAST(:name AS text))::regclass"
)
_numbers = count()


def batch(chooser: random.Random) -> list[EventToStore]:
    """Return events as a source sends them: in time order, most of them NORMAL."""
    now = utc_now() - timedelta(seconds=1)
    return [
        EventToStore(
            chooser.choice(SOURCES),
            "request",
            "search",
            " ".join(chooser.choices(WORDS, k=8)),
            {"response_time": chooser.choice([20.5, 300.25, 2500.0])},
            None,
            now + timedelta(microseconds=number),
            f"b{next(_numbers):08}",
        )
        for number in range(BATCH)
    ]


def rate(manager: MonitoringDatabase, batches: int) -> float:
    """Return rows a second of batches that are new."""
    chooser = random.Random(1)
    prepared = [batch(chooser) for _ in range(batches)]
    seconds = sum(timed(partial(manager.events.add_many, one)) for one in prepared)
    return batches * BATCH / seconds


def _sizes(engine: Engine, names: list[str]) -> dict[str, float]:
    with engine.connect() as connection:
        return {name: (connection.scalar(_BYTES, {"name": name}) or 0) / STORED for name in names}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--batches", type=int, default=30)


def main(options: Namespace) -> bool:
    """Print the rate with all indexes, and without each of them in turn."""
    with migrated_server() as server:
        engine = server.engine()
        load(engine, STORED, utc_now())
        manager = MonitoringDatabase(Database.for_bind(engine))
        with engine.connect() as connection:
            names = list(connection.scalars(_NAMES))
        sizes = _sizes(engine, names)
        print(f"{machine(server)}; {options.batches} batches of {BATCH} events")
        rate(manager, 3)
        print(f"{'index':50}{'rows/s without it':>18}{'ratio':>8}{'bytes/event':>13}")
        for name in names:
            whole = rate(manager, options.batches)
            with engine.begin() as connection:
                definition = connection.scalar(_DEFINITION, {"name": name})
                connection.execute(text(f'DROP INDEX monitoring."{name}"'))
            without = rate(manager, options.batches)
            with engine.begin() as connection:
                connection.execute(
                    text(str(definition).replace(" ON ONLY ", " ON ").replace(":", r"\:"))
                )
            print(f"{name:50}{without:18,.0f}{without / whole:8.2f}{sizes[name]:13.0f}", flush=True)
        print(f"{'none left out':50}{rate(manager, options.batches):18,.0f}")
    return True


if __name__ == "__main__":
    run("log_indexes")
