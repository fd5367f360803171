"""One storm: clients at work, things killed at random, and the reckoning at the end."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from tests.chaos.audit import Reckoning, reckon
from tests.chaos.clients import SPOOLABLE_TYPES, Client, Ledger
from tests.chaos.processes import Server, Service
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on
from veritas_cli.migrations import migrate_all

# The last one fails while the database is away, after it looked for it.
OPERATORS_COMMANDS = (("spool", "status"), ("spool", "retry"), ("erase", "nobody", "--yes"))
# A busy machine is no failure: how long it took is told, and not judged.
_GIVING_BACK_SECONDS = 900


@dataclass
class Findings:
    """What a storm showed; times in seconds."""

    kills: dict[str, int] = field(default_factory=dict)
    seconds_to_notice: list[float] = field(default_factory=list)
    seconds_to_give_back: list[float] = field(default_factory=list)
    most_waiting: int = 0
    outages: list[tuple[float, float]] = field(default_factory=list)
    commands: int = 0
    deleted_files: list[str] = field(default_factory=list)

    def spooled_without_outage(self, ledger: Ledger) -> int:
        """Return how many answers rested on the spool while the server answered, all stored."""
        return sum(
            not any(began <= at <= ended for began, ended in self.outages)
            for at in ledger.spooled_at
        )

    def count(self, kind: str) -> None:
        """Count one more of a kind of trouble."""
        self.kills[kind] = self.kills.get(kind, 0) + 1


class Storm:
    """A server, services and their clients."""

    def __init__(
        self, server: Server, services: Sequence[Service], clients: Sequence[Client]
    ) -> None:
        self.server = server
        self.services = services
        self.clients = clients
        self.findings = Findings()

    @property
    def ledger(self) -> Ledger:
        """What was acknowledged."""
        return self.clients[0].ledger

    def blow(self, seed: int, kills: int) -> None:
        """Make so many troubles, one after the other, the same for the same seed."""
        chance = random.Random(seed)
        troubles: list[Callable[[random.Random], None]] = [
            self.crash_the_server,
            self.crash_the_server_and_a_service,
            self.freeze_the_server,
            self.kill_a_worker,
            self.kill_a_service,
        ]
        for number in range(kills):
            troubles[number % len(troubles)](chance)
            time.sleep(chance.uniform(0.2, 1.5))

    def crash_the_server(self, chance: random.Random) -> None:
        """Kill the server; meanwhile an operator works, and a worker is killed."""
        with self._outage("server killed", self.server.kill, self.server.start):
            time.sleep(chance.uniform(0.5, 1.5))
            service = chance.choice(self.services)
            self.operate(service)
            time.sleep(chance.uniform(0.2, 1))
            self.findings.count("worker killed")
            service.kill_a_worker(chance.randrange(10))

    def crash_the_server_and_a_service(self, chance: random.Random) -> None:
        """Kill a service as well while the server is away; it starts without its database."""
        with self._outage("server killed", self.server.kill, self.server.start):
            time.sleep(chance.uniform(0.5, 1.5))
            self.kill_a_service(chance)

    def freeze_the_server(self, chance: random.Random) -> None:
        """Let the server hang."""
        with self._outage("server frozen", self.server.freeze, self.server.thaw):
            time.sleep(chance.uniform(2, 4))

    def kill_a_worker(self, chance: random.Random) -> None:
        """Kill one process of one service."""
        self.findings.count("worker killed")
        chance.choice(self.services).kill_a_worker(chance.randrange(10))

    def kill_a_service(self, chance: random.Random) -> None:
        """Kill one service, and start it again."""
        self.findings.count("service killed")
        service = chance.choice(self.services)
        service.kill()
        service.start()

    def operate(self, service: Service) -> None:
        """Run the commands that open a service's spool while its workers write into it."""
        for arguments in OPERATORS_COMMANDS:
            service.operate(*arguments)
            self.findings.commands += 1
            self.findings.deleted_files += service.deleted_files()

    def calm(self) -> Reckoning:
        """Stop the clients, wait until nothing waits any more, and compare."""
        for client in self.clients:
            client.is_stopping.set()
        for client in self.clients:
            client.join()
        assert wait_until(self.is_given_back, seconds=_GIVING_BACK_SECONDS), self.waiting()
        return reckon(self.server.url, self.ledger)

    def is_given_back(self) -> bool:
        """Tell whether nothing waits in any spool."""
        self.findings.most_waiting = max(self.findings.most_waiting, self.waiting())
        return self.waiting() == 0

    def waiting(self) -> int:
        """Return how many rows wait in all spools."""
        return sum(service.waiting().waiting for service in self.services)

    @contextmanager
    def _outage(
        self, kind: str, begin: Callable[[], None], end: Callable[[], None]
    ) -> Iterator[None]:
        self.findings.count(kind)
        began = time.monotonic()
        begin()
        yield
        self._note_noticing(began)
        end()
        ended = time.monotonic()
        assert wait_until(self.is_given_back, seconds=_GIVING_BACK_SECONDS), self.waiting()
        stored = time.monotonic()
        self.findings.seconds_to_give_back.append(stored - ended)
        self.findings.outages.append((began, stored))

    def _note_noticing(self, began: float) -> None:
        with self.ledger.lock:
            later = [at - began for at in self.ledger.spooled_at if at > began]
        if later:
            self.findings.seconds_to_notice.append(min(later))


@contextmanager
def storm_over(folder: Path, names: Sequence[str], clients_each: int) -> Iterator[Storm]:
    """Set up a server and these services, with clients at work; all is gone afterwards."""
    server = Server(folder / "postgres")
    server.start()
    services: list[Service] = []
    try:
        migrate_all(engine_on(server.url))
        key = KeyManager(Database.on(engine_on(server.url))).add_key("storm", [Scope.ADMIN])
        services += [Service(name, folder, server.url) for name in names]
        for service in services:
            service.launch()
        assert all(wait_until(service.is_ready) for service in services)
        storm = Storm(server, services, _clients(services, clients_each, key))
        for client in storm.clients:
            client.start()
        # Each has been answered, so every service knows the key.
        assert wait_until(lambda: storm.ledger.statuses.total() > 5 * len(storm.clients))
        yield storm
    finally:
        for service in services:
            service.kill()
            service.spool.close()
        server.stop()
        server.remove()


def _clients(services: Sequence[Service], each: int, key: str) -> list[Client]:
    ledger = Ledger()
    return [
        SPOOLABLE_TYPES[service.name](f"{service.name}{n}", service.url, key, ledger)
        for service in services
        for n in range(each)
    ]
