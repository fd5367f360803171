"""Cost of the audit of reads: the same reads of a service with it and of one without, in turns.

The limit is the ratio of the medians of several turns. The service with the audit waits for the
disk before each answer; requests that come together share one commit of its file.
"""

import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.house import PAGE, READ, fill
from benchmarks.support import load
from benchmarks.support.command import run
from benchmarks.support.timing import machine
from tests.support.service_processes import migrated_server, running

LIMIT = 1.2
PACKAGE = "staffstuddash_service"
SERVICES = {"without": ["benchmarks.support.unaudited"], "with": [PACKAGE]}
POOLS: dict[str, dict[str, str]] = {"NullPool": {}, "QueuePool": {"DATABASE_POOL": "queue"}}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--seconds", type=float, default=3, help="of each turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="of the audit's file, on the disk to measure")


def main(options: Namespace) -> bool:
    """Return True if every ratio is within the limit."""
    is_within = True
    with ExitStack() as stack:
        server = stack.enter_context(migrated_server({}))
        fill(server)
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder))
        print(machine(server))
        print(f"{'requests a second':<24}{'clients':>8}{'without':>10}{'with':>10}{'ratio':>8}")
        for pool, settings in POOLS.items():
            with ExitStack() as services:
                urls = {
                    name: services.enter_context(
                        running(PACKAGE, module, server, {**settings, "SPOOL_PATH": folder})
                    ).url
                    for name, module in SERVICES.items()
                }
                for title, request in (("one student", READ.request), ("page", PAGE.request)):
                    for clients in (1, 16):
                        rates: dict[str, list[float]] = {name: [] for name in urls}
                        for name, url in [*urls.items()] * options.turns:
                            figures = load.measure(
                                request,
                                url,
                                server.key,
                                clients=clients,
                                seconds=options.seconds,
                            )
                            rates[name].append(figures["per_second"])
                        without, with_audit = (median(found) for found in rates.values())
                        ratio = without / with_audit
                        is_within &= ratio <= LIMIT
                        print(
                            f"{title + ', ' + pool:<24}{clients:>8}{without:>10.0f}"
                            f"{with_audit:>10.0f}{ratio:>8.2f}",
                            flush=True,
                        )
    return is_within


if __name__ == "__main__":
    run("audit")
