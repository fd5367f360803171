"""What every test may ask for, and the PostgreSQL that they run on."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.support.scratch import prefer_memory
from tests.support.server import SuiteServer
from veritas_cli.postgres.binaries import LocalPostgresError

# There are more workers than cores: threads of NumPy's would only wait for one another. It reads
# this when it is first imported, which the plugins do.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

prefer_memory()

pytest_plugins = ["tests.support.databases", "tests.support.pooler"]

# A busy machine is no failure: no test is about how long something takes.
settings.register_profile("veritas", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("veritas")


def pytest_xdist_auto_num_workers() -> int:
    """Return two workers for each core: many tests wait for processes most of their time."""
    return 2 * (os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL once, in the process that starts the workers, and stop it at the end."""
    is_worker = hasattr(config, "workerinput")
    if is_worker or config.option.collectonly or config.option.help:
        return
    # Ended from outside is like Ctrl-C: pytest then cleans up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = SuiteServer()
    config.add_cleanup(server.stop)
    try:
        server.start()
    except LocalPostgresError as failure:
        raise pytest.UsageError(str(failure)) from failure
