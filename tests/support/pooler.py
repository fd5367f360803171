"""PgBouncer in transaction mode before the tests' server, where it is installed."""

from collections.abc import Callable, Iterator

import pytest

from benchmarks.support.pgbouncer import is_installed, pooler
from tests.support.server import admin_url

Pooled = Callable[[str], str]


@pytest.fixture(scope="session")
def pooled() -> Iterator[Pooled]:
    """Give the URL of a database through the pooler, for its URL without."""
    if not is_installed():
        pytest.skip("PgBouncer is not installed")
    with pooler(admin_url()) as running:
        yield running.over_tcp
