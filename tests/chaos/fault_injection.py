"""Fault injection: processes are killed at random under load, and the rows audited at the end."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from tests.chaos.audit import Audit, audit
from tests.chaos.clients import CLIENTS, Client, Ledger
from tests.chaos.processes import Server, Service
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on
from veritas_cli.migrations import migrate_all

# The last one fails without the database.
OPERATORS_COMMANDS = (("spool", "status"), ("spool", "retry"), ("erase", "nobody", "--yes"))
# Generous: a busy machine is no failure.
_REPLAY_SECONDS = 900


@dataclass
class Findings:
    """Observations of a run; times in seconds."""

    kills: dict[str, int] = field(default_factory=dict)
    seconds_to_notice: list[float] = field(default_factory=list)
    seconds_to_replay: list[float] = field(default_factory=list)
    most_waiting: int = 0
    outages: list[tuple[float, float]] = field(default_factory=list)
    commands: int = 0
    deleted_files: list[str] = field(default_factory=list)

    def spooled_without_outage(self, ledger: Ledger) -> int:
        """Return the number of answers from the spool outside of outages and replays."""
        return sum(
            not any(began <= at <= ended for began, ended in self.outages)
            for at in ledger.spooled_at
        )

    def count(self, kind: str) -> None:
        """Count a fault."""
        self.kills[kind] = self.kills.get(kind, 0) + 1


class FaultInjection:
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
        """Acknowledged rows of all clients."""
        return self.clients[0].ledger

    def inject(self, seed: int, kills: int) -> None:
        """Inject faults one after another, the same for the same seed."""
        chance = random.Random(seed)
        faults: list[Callable[[random.Random], None]] = [
            self.crash_the_server,
            self.crash_the_server_and_a_service,
            self.freeze_the_server,
            self.kill_a_worker,
            self.kill_a_service,
        ]
        for number in range(kills):
            faults[number % len(faults)](chance)
            time.sleep(chance.uniform(0.2, 1.5))

    def crash_the_server(self, chance: random.Random) -> None:
        """Kill the server; during the outage run an operator's commands, and kill a worker."""
        with self._outage("server killed", self.server.kill, self.server.start):
            time.sleep(chance.uniform(0.5, 1.5))
            service = chance.choice(self.services)
            self.operate(service)
            time.sleep(chance.uniform(0.2, 1))
            self.findings.count("worker killed")
            service.kill_a_worker(chance.randrange(10))

    def crash_the_server_and_a_service(self, chance: random.Random) -> None:
        """Kill the server and then a service, which starts again without its database.

        An operator's commands run before.
        """
        with self._outage("server killed", self.server.kill, self.server.start):
            time.sleep(chance.uniform(0.5, 1.5))
            self.operate(chance.choice(self.services))
            self.kill_a_service(chance)

    def freeze_the_server(self, chance: random.Random) -> None:
        """Freeze the server for two to four seconds."""
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
        service.operate(*OPERATORS_COMMANDS)
        self.findings.commands += len(OPERATORS_COMMANDS)
        self.findings.deleted_files += service.deleted_files()

    def finish(self) -> Audit:
        """Stop the clients, wait for the replay of all rows, and audit them."""
        for client in self.clients:
            client.is_stopping.set()
        for client in self.clients:
            client.join()
        assert wait_until(self.is_replayed, seconds=_REPLAY_SECONDS), self.waiting()
        return audit(self.server.url, self.ledger)

    def is_replayed(self) -> bool:
        """Return True if all spools are empty."""
        self.findings.most_waiting = max(self.findings.most_waiting, self.waiting())
        return self.waiting() == 0

    def waiting(self) -> int:
        """Return the number of rows in all spools."""
        return sum(service.waiting().waiting for service in self.services)

    @contextmanager
    def _outage(
        self, kind: str, begin: Callable[[], None], end: Callable[[], None]
    ) -> Iterator[None]:
        self.findings.count(kind)
        began = time.monotonic()
        begin()
        yield
        self._record_detection(began)
        end()
        ended = time.monotonic()
        assert wait_until(self.is_replayed, seconds=_REPLAY_SECONDS), self.waiting()
        stored = time.monotonic()
        self.findings.seconds_to_replay.append(stored - ended)
        self.findings.outages.append((began, stored))

    def _record_detection(self, began: float) -> None:
        with self.ledger.lock:
            later = [at - began for at in self.ledger.spooled_at if at > began]
        if later:
            self.findings.seconds_to_notice.append(min(later))


@contextmanager
def injecting_faults(
    folder: Path, names: Sequence[str], clients_each: int, rest_seconds: float = 0
) -> Iterator[FaultInjection]:
    """Run a server and these services under load; stop and delete all of it afterwards.

    rest_seconds: pause of a client after each turn.
    """
    server = Server(folder / "postgres")
    server.start()
    services: list[Service] = []
    try:
        migrate_all(engine_on(server.url))
        key = KeyManager(Database.for_bind(engine_on(server.url))).add_key("chaos", [Scope.ADMIN])
        services += [Service(name, folder, server.url) for name in names]
        for service in services:
            service.launch()
        assert all(wait_until(service.is_ready) for service in services)
        run = FaultInjection(server, services, _clients(services, clients_each, key, rest_seconds))
        for client in run.clients:
            client.start()
        # Every service has answered, so it knows the key during an outage.
        assert wait_until(lambda: run.ledger.statuses.total() > 5 * len(run.clients))
        yield run
    finally:
        for service in services:
            service.kill()
            service.spool.close()
        server.stop()
        server.remove()


def _clients(services: Sequence[Service], each: int, key: str, rest_seconds: float) -> list[Client]:
    ledger = Ledger()
    return [
        CLIENTS[service.name](f"{service.name}{n}", service.url, key, ledger, rest_seconds)
        for service in services
        for n in range(each)
    ]
