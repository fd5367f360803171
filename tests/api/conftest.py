"""Each service in turn, for tests of their common behaviour."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.support.databases import LOOPBACK, OpenDatabase
from tests.support.service_cases import EVERY_SERVICE, Service, Target


@pytest.fixture(params=EVERY_SERVICE, ids=str)
def target(request: pytest.FixtureRequest, open_database: OpenDatabase) -> Iterator[Target]:
    """Give each service on both stores, with the rows that a new row depends on."""
    service: Service = request.param
    database = open_database(service.metadata)
    app = service.make_app(database)
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        yield Target(service, database, client)
