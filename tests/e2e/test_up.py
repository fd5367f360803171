"""`veritas up`: one process that starts and stops PostgreSQL and the services."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from tests.e2e.processes import (
    ROOT,
    VERITAS,
    all_gone,
    children_of,
    is_running,
    wait_until,
    without_settings,
)
from veritas_cli.main import app
from veritas_cli.processes.ports import free_port

COMMAND = [*VERITAS, "up"]
SERVICES = ("monitoring", "staffstuddash", "dropout")
ALL = (*SERVICES, "web")

Refused = Callable[..., str]


class Up:
    """One run of the command in a folder, with its output in a file there."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.ports = {name: free_port() for name in ALL}
        self.output = folder / "output"
        settings = {f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                COMMAND,
                cwd=folder,
                env=without_settings(PYTHONPATH=str(ROOT), **{**settings, **variables}),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until_ready(self) -> set[int]:
        """Wait until it is ready; return its child processes."""
        wait_until(lambda: "is ready" in self.said or self.process.poll() is not None, seconds=150)
        assert "is ready" in self.said, self.said
        return children_of(self.process.pid)

    def services(self) -> set[int]:
        """Return the services among its child processes."""
        return {each for each in children_of(self.process.pid) if "_service" in command_of(each)}

    def client(self, name: str) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.ports[name]}", trust_env=False)

    def end(self) -> None:
        """Kill it and its children."""
        children = children_of(self.process.pid)
        self.process.kill()
        self.process.wait()
        for child in filter(is_running, children):
            os.kill(child, signal.SIGTERM)
        assert all_gone(children)


def command_of(process: int) -> str:
    answer = subprocess.run(
        ["ps", "-o", "args=", "-p", str(process)],  # noqa: S607 - the system's own
        check=False,
        capture_output=True,
        text=True,
    )
    return answer.stdout


@pytest.fixture
def up(passable_folder: Path) -> Iterator[Up]:
    running = Up(passable_folder)
    yield running
    running.end()


@pytest.fixture
def refused(passable_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Refused]:
    """Run the command where it must fail; return the line of standard error."""
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}

    def refused_with(**variables: str) -> str:
        monkeypatch.chdir(passable_folder)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        answer = CliRunner().invoke(app, ["up"])
        assert answer.exit_code == 1
        return the_line(answer.stderr)

    yield refused_with
    for number, handler in handlers.items():
        if handler is not signal.getsignal(number):
            signal.signal(number, handler)


def the_line(said: str) -> str:
    assert said.startswith("veritas up: ")
    assert said.count("\n") == 1
    return said


def test_serves_until_ctrl_c_and_keeps_the_data(up: Up, passable_folder: Path) -> None:
    children = up.until_ready()
    assert len(children) == 5
    with up.client("web") as client:
        assert client.get("/").status_code == 200
    with up.client("staffstuddash") as client:
        new = {"id": "s001", "name": "Ada"}
        assert client.post("/api/v1/students", json=new).status_code == 201

    # Ctrl-C reaches the foreground process group: the command, but not its children.
    os.killpg(up.process.pid, signal.SIGINT)
    assert up.process.wait(60) == 0
    assert all_gone(children)
    assert up.said.endswith("Veritas has stopped.\n")

    again = Up(passable_folder)
    try:
        children = again.until_ready()
        with again.client("staffstuddash") as client:
            assert client.get("/api/v1/students/s001").json()["name"] == "Ada"

        # All stop when one of them dies.
        postgres = next(
            child
            for child in children
            if "veritas_web" not in command_of(child) and "_service" not in command_of(child)
        )
        os.kill(postgres, signal.SIGQUIT)
        assert again.process.wait(60) == 1
        assert all_gone(children)
        assert "veritas up: PostgreSQL ended" in again.said
    finally:
        again.end()


@pytest.fixture
def starting(passable_folder: Path, private_url: str) -> Iterator[Up]:
    """Yield a run whose services are processes, but not ready."""
    running = Up(passable_folder, DATABASE_URL=private_url)
    assert wait_until(lambda: len(running.services()) == len(SERVICES)), running.said
    yield running
    running.end()


def test_stops_all_when_one_service_dies(starting: Up) -> None:
    children = starting.services()
    dropout = next(child for child in children if "dropout_service" in command_of(child))
    os.kill(dropout, signal.SIGKILL)

    assert starting.process.wait(60) == 1
    assert all_gone(children)
    assert "veritas up: dropout was ended by SIGKILL; all is stopped." in starting.said


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent death signal")
def test_services_end_with_a_killed_command(starting: Up) -> None:
    children = starting.services()
    starting.process.kill()

    starting.process.wait()
    assert all_gone(children)


def test_uses_the_server_of_database_url_and_prints_the_addresses(
    passable_folder: Path, empty_url: str
) -> None:
    running = Up(passable_folder, DATABASE_URL=empty_url)
    try:
        assert len(running.until_ready()) == 4
        assert f"\n  Open http://127.0.0.1:{running.ports['web']}\n" in running.said
        assert not (passable_folder / ".veritas" / "postgres").exists()
        for name, port in zip(SERVICES, running.ports.values(), strict=False):
            place = rf"^  {name} +http://127\.0\.0\.1:{port} .*/docs$"
            assert re.search(place, running.said, re.MULTILINE)
            assert re.search(rf"^{name} +\| ", running.said, re.MULTILINE)
            with running.client(name) as client:
                assert client.get("/readyz").json()["storage"] == "postgresql"
        assert "\x1b" not in running.said

        running.process.terminate()
        assert running.process.wait(60) == 0
    finally:
        running.end()


def test_names_a_taken_port_before_it_starts_anything(passable_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ports = {"STAFFSTUDDASH_PORT": port, **free_ports("monitoring", "dropout", "web")}
        answer = subprocess.run(
            COMMAND,
            check=False,
            cwd=passable_folder,
            env=without_settings(PYTHONPATH=str(ROOT), **ports),
            capture_output=True,
            text=True,
        )
    assert answer.returncode == 1
    said = the_line(answer.stderr)
    assert f"Port {port}, where staffstuddash should listen, is taken by" in said
    assert "STAFFSTUDDASH_PORT" in said
    assert not (passable_folder / ".veritas").exists()


def test_refuses_one_port_for_two_services(refused: Refused) -> None:
    port = str(free_port())
    said = refused(MONITORING_PORT=port, DROPOUT_PORT=port, **free_ports("web"))
    assert f"MONITORING_PORT and DROPOUT_PORT are both {port}" in said


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:1/school", "does not answer"),
        ("mysql://ada:hunter2@localhost/school", "not a PostgreSQL URL"),
        ("postgresql://ada:hunter2@localhost:five/school", "not a PostgreSQL URL"),
    ],
)
def test_refuses_a_wrong_url_without_showing_its_password(
    refused: Refused, url: str, reason: str
) -> None:
    said = refused(DATABASE_URL=url, **free_ports(*ALL))
    assert reason in said
    assert "hunter2" not in said


def test_refuses_a_wrong_password_without_showing_it(refused: Refused, empty_url: str) -> None:
    url = re.sub(r"//[^@]*@", "//ada:hunter2@", empty_url)
    said = refused(DATABASE_URL=url, **free_ports(*ALL))
    assert "refuses the user or password" in said
    assert "hunter2" not in said


def free_ports(*names: str) -> dict[str, str]:
    """Return a free port for each service, so that a running `veritas up` does not interfere."""
    return {f"{name.upper()}_PORT": str(free_port()) for name in names}
