"""Real processes, killed under load: what was acknowledged is in PostgreSQL exactly once."""

import random
from pathlib import Path

from tests.chaos.fault_injection import injecting_faults

SEED = 7
CLIENTS = 1
# After each turn, to leave processor time to the other tests.
REST_SECONDS = 0.3


def test_nothing_acknowledged_is_lost_or_stored_twice(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with injecting_faults(tmp_path, ["staffstuddash"], CLIENTS, REST_SECONDS) as run:
        run.crash_the_server_and_a_service(chance)
        run.freeze_the_server(chance)
        audit = run.finish()
        refused = [service.spool.all_entries() for service in run.services]

    assert audit.acknowledged > 100
    assert run.ledger.spooled_at
    assert run.findings.deleted_files == []
    assert run.findings.spooled_without_outage(run.ledger) == 0
    assert run.ledger.refused == []
    assert refused == [[]]
    assert audit.is_clean, audit
