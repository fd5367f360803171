"""Settings and PostgreSQL of a test run.

Modules of the services are not imported here: tests/unit would pay for all of them.
"""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.quiet import no_background_work
from tests.support.scratch import prefer_memory
from tests.support.suite_server import suite_server

if TYPE_CHECKING:
    from shared_db.settings import VeritasSettings

# Until all tests are imported: imports leave no garbage, but a sixth of their time is the search.
gc.disable()

# More workers than cores: threads of NumPy would only wait for one another. NumPy reads this when
# it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

prefer_memory()

# No deadline: a busy machine is no failure.
settings.register_profile(
    "veritas",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("veritas")

WITHOUT_DATABASES = (Path(__file__).parent, Path(__file__).with_name("unit"))


def pytest_xdist_auto_num_workers() -> int:
    """Return two workers for each core: many tests wait for processes most of their time."""
    return 2 * (os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    """Offer one PostgreSQL to all workers, from the process that starts them."""
    if hasattr(config, "workerinput"):
        return
    # SIGTERM is handled like Ctrl-C, so that pytest cleans up. Ctrl-C is ignored in the background
    # of a script; the commands that tests interrupt would inherit that and run for ever.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.default_int_handler)
    undo = ExitStack()
    config.add_cleanup(undo.close)
    undo.enter_context(suite_server())


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Collect garbage from now on, except in imported modules."""
    gc.freeze()
    gc.enable()


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Import the fixtures of databases, and with them the services, for any but a unit test."""
    if module_path.parent not in WITHOUT_DATABASES:
        plugins, name = parent.config.pluginmanager, "tests.support.databases"
        if not plugins.has_plugin(name):
            plugins.register(import_module(name), name)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the developer's own settings from the tests, and set those for all tests."""
    for group in _settings_groups():
        if "postgres_bin" in group.model_fields:
            continue  # the programs of this machine, which `make test-wheel` chooses
        monkeypatch.setitem(group.model_config, "env_file", None)
        for name in group.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
            monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.setenv("SPOOL_PATH", str(tmp_path / "spool"))
    for name, value in no_background_work().items():
        monkeypatch.setenv(name, value)


def _settings_groups() -> "Iterator[type[VeritasSettings]]":
    if module := sys.modules.get("shared_db.settings"):
        groups: list[type[VeritasSettings]] = [module.VeritasSettings]
        while groups:
            group = groups.pop()
            yield group
            groups += group.__subclasses__()
