"""Real processes, killed under load: PostgreSQL has every acknowledged row exactly once."""

import random
from pathlib import Path

from tests.chaos.fault_injection import storm_over

SEED = 7
CLIENTS = 1


def test_nothing_acknowledged_is_lost_or_stored_twice(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with storm_over(tmp_path, ["staffstuddash"], CLIENTS) as storm:
        storm.crash_the_server_and_a_service(chance)
        storm.crash_the_server(chance)
        storm.freeze_the_server(chance)
        reckoning = storm.calm()
        refused = [service.spool.all_entries() for service in storm.services]

    assert reckoning.acknowledged > 100
    assert storm.ledger.spooled_at
    assert storm.findings.deleted_files == []
    assert storm.findings.spooled_without_outage(storm.ledger) == 0
    assert storm.ledger.refused == []
    assert refused == [[]]
    assert reckoning.is_clean, reckoning
