"""Long fault injection: `make chaos`; prints the table of docs/reliability.md."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.audit import Audit
from tests.chaos.clients import CLIENTS
from tests.chaos.fault_injection import FaultInjection, injecting_faults


def main() -> None:
    """Inject faults and print the result; status 1 if a row was lost or stored twice."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--clients", type=int, default=3, help="of each service")
    options.add_argument("--keep", type=Path, help="a new folder for logs and spools, which stays")
    chosen = options.parse_args()
    # SIGTERM is handled like Ctrl-C: all processes are stopped first.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="veritas-chaos-") as temporary,
        injecting_faults(chosen.keep or Path(temporary), list(CLIENTS), chosen.clients) as run,
    ):
        run.inject(chosen.seed, chosen.kills)
        audit = run.finish()
        refused = sum(service.waiting().refused for service in run.services)
    lines = describe(run, audit, refused, time.monotonic() - started)
    sys.stdout.write("\n".join(lines) + "\n")
    found = run.findings
    spooled = found.spooled_without_outage(run.ledger)
    faults = [refused, run.ledger.refused, found.deleted_files, spooled]
    sys.exit(0 if audit.is_clean and not any(faults) else 1)


def describe(run: FaultInjection, audit: Audit, refused: int, seconds: float) -> list[str]:
    """Return the result as lines of a table."""
    found, ledger = run.findings, run.ledger
    figures = {
        "time": f"{seconds:.0f} s",
        **{kind: str(count) for kind, count in found.kills.items()},
        "requests answered": ", ".join(f"{n} x {s}" for s, n in sorted(ledger.statuses.items())),
        "requests answered from the spool": str(len(ledger.spooled_at)),
        "commands run in outages": str(found.commands),
        "spool files deleted in use": str(len(found.deleted_files)),
        "spooled while the server answered": str(found.spooled_without_outage(ledger)),
        "rows acknowledged": str(audit.acknowledged),
        "lost": str(len(audit.lost)),
        "doubled": str(audit.doubled),
        "drafts out of order": str(len(audit.disordered)),
        "derived figures that disagree": str(len(audit.disagreeing)),
        "rejected at replay": str(refused),
        "refused when sent": str(len(ledger.refused)),
        "longest single request": f"{ledger.longest_seconds['single']:.2f} s",
        "longest batch": f"{ledger.longest_seconds['batch']:.2f} s",
        "time to notice, longest": f"{max(found.seconds_to_notice, default=0):.2f} s",
        "time to replay, longest": f"{max(found.seconds_to_replay, default=0):.2f} s",
        "most pending rows": str(found.most_waiting),
    }
    return [f"| {name} | {value} |" for name, value in figures.items()]


if __name__ == "__main__":
    main()
