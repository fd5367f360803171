"""What the benchmarks repeat is what the services do: else they rot unseen."""

import pytest
from sqlalchemy import text

from benchmarks import house
from benchmarks.house import PAGE, READ, WRITE, transaction
from benchmarks.support.harness import Server


@pytest.fixture
def server(private_url: str, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Give a filled database as the benchmark of the house fills it, only smaller."""
    monkeypatch.setattr(house, "STORED", 5)
    filled = Server(private_url, "no key")
    house.fill(filled)
    return filled


def test_the_benchmark_of_the_house_repeats_what_the_routes_execute(server: Server) -> None:
    write = transaction(server, WRITE)
    read, page = transaction(server, READ), transaction(server, PAGE)
    with server.engine().connect() as connection:
        again = connection.connection.cursor()
        again.execute(write.replace("s:n", "another"))
        again.execute(read.replace("s:n", "another"))
        assert again.fetchone() is not None
        again.execute(page)
        assert len(again.fetchall()) == 5 + 2
        count = connection.scalar(text("SELECT count(*) FROM staffstuddash.performance_records"))
        assert count == 5 + 2
