"""The long run: `make chaos`; prints what stands in docs/reliability.md."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.audit import Reckoning
from tests.chaos.clients import SPOOLABLE_TYPES
from tests.chaos.fault_injection import Storm, storm_over


def main() -> None:
    """Run a storm and print what it showed; status 1 when anything was lost or stored twice."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--clients", type=int, default=3, help="of each service")
    options.add_argument("--keep", type=Path, help="a new folder for logs and spools, which stays")
    chosen = options.parse_args()
    # Ended from outside is like Ctrl-C: what was started is ended first.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="veritas-chaos-") as temporary,
        storm_over(chosen.keep or Path(temporary), list(SPOOLABLE_TYPES), chosen.clients) as storm,
    ):
        storm.blow(chosen.seed, chosen.kills)
        reckoning = storm.calm()
        refused = sum(service.waiting().refused for service in storm.services)
    lines = describe(storm, reckoning, refused, time.monotonic() - started)
    sys.stdout.write("\n".join(lines) + "\n")
    found = storm.findings
    spooled = found.spooled_without_outage(storm.ledger)
    faults = [refused, storm.ledger.refused, found.deleted_files, spooled]
    sys.exit(0 if reckoning.is_clean and not any(faults) else 1)


def describe(storm: Storm, reckoning: Reckoning, refused: int, seconds: float) -> list[str]:
    """Return the result as lines of a table."""
    found, ledger = storm.findings, storm.ledger
    figures = {
        "time": f"{seconds:.0f} s",
        **{kind: str(count) for kind, count in found.kills.items()},
        "requests answered": ", ".join(f"{n} x {s}" for s, n in sorted(ledger.statuses.items())),
        "requests answered from the spool": str(len(ledger.spooled_at)),
        "commands run in outages": str(found.commands),
        "spool files deleted in use": str(len(found.deleted_files)),
        "spooled while the server answered": str(found.spooled_without_outage(ledger)),
        "rows acknowledged": str(reckoning.acknowledged),
        "lost": str(len(reckoning.lost)),
        "doubled": str(reckoning.doubled),
        "drafts out of order": str(len(reckoning.disordered)),
        "derived figures that disagree": str(len(reckoning.disagreeing)),
        "refused when given back": str(refused),
        "refused when sent": str(len(ledger.refused)),
        "longest single request": f"{ledger.longest_seconds['single']:.2f} s",
        "longest batch": f"{ledger.longest_seconds['batch']:.2f} s",
        "time to notice, longest": f"{max(found.seconds_to_notice, default=0):.2f} s",
        "time to give back, longest": f"{max(found.seconds_to_give_back, default=0):.2f} s",
        "most rows that waited": str(found.most_waiting),
    }
    return [f"| {name} | {value} |" for name, value in figures.items()]


if __name__ == "__main__":
    main()
