"""Settings of services under test: they do nothing by themselves, and read the newest rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.suite_server import role_prefix

# A busy machine is no failure; the pages themselves give up on a service far sooner.
CALL_SECONDS = 60.0


def no_background_work() -> dict[str, str]:
    """Return the environment of services on a PostgreSQL of perhaps one connection."""
    periods = (
        "CACHE",  # a test reads its own rows at once
        "ERASING",
        "IMPORTS",
        "AUDIT_MOVING",
        "MODEL_WEEKS",
        "MONITORING_INCIDENTS",
        "RECOMPUTING",
        "RECORDS_REFRESH",
        "RETENTION",
    )
    return {
        **{f"{name}_SECONDS": "0" for name in periods},
        "MONITORING_SNAPSHOTS": "false",
        "MONITORING_MONTHS_SECONDS": "0",
        "MONITORING_ROLLUPS_SECONDS": "0",
        "DATABASE_ROLE_PREFIX": role_prefix(),
    }


@contextmanager
def patient_pages(folder: Path) -> Iterator[None]:
    """Run pages and services of more than one test; folder: of their spool."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPOOL_PATH", str(folder / "spool"))
        for name, value in no_background_work().items():
            patch.setenv(name, value)
        patch.setattr("veritas_web.services.rest.CALL_SECONDS", CALL_SECONDS)
        yield
