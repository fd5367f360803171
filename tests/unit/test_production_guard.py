"""Guard of the development containers; the engine is a stand-in that knows one volume."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

from veritas_cli.production_guard import COMMAND, VOLUME, refusal

StartEngine = Callable[[int], Path]


@pytest.fixture
def start_engine(tmp_path: Path) -> Iterator[StartEngine]:
    """Give a function that starts an engine which answers for the volume with this status."""
    servers: list[UnixStreamServer] = []

    def start(status: int) -> Path:
        class Engine(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == f"/volumes/{VOLUME}" else 500)
                self.end_headers()

            def address_string(self) -> str:
                return "socket"

            def log_message(self, *_: object) -> None:
                return

        server = UnixStreamServer(str(tmp_path / "docker.sock"), Engine)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return tmp_path / "docker.sock"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a folder as a developer clones it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    return folder


def test_a_developers_checkout_is_let_through(
    checkout: Path, start_engine: StartEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(checkout, start_engine(404)) is None
    assert capsys.readouterr().out == ""


def test_a_checkout_that_only_its_owner_can_read_is_refused(
    checkout: Path, start_engine: StartEngine
) -> None:
    checkout.chmod(0o700)

    assert "chmod -R o+rX" in (refusal(checkout, start_engine(404)) or "")


def test_secrets_are_the_trace_of_an_installation(checkout: Path) -> None:
    (checkout / "secrets").mkdir()

    said = str(refusal(checkout, checkout / "docker.sock"))

    assert said.startswith("the folder ./secrets exists. ")
    assert said.endswith(COMMAND)
    assert "\n" not in said


def test_its_volume_is_one_too(checkout: Path, start_engine: StartEngine) -> None:
    said = str(refusal(checkout, start_engine(200)))

    assert said.startswith(f"the volume {VOLUME} exists. ")
    assert said.endswith(COMMAND)


def test_an_engine_that_cannot_be_asked_is_passed_over_with_a_line(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(checkout, checkout / "docker.sock") is None
    assert "only ./secrets was looked for" in capsys.readouterr().out


def test_an_answer_that_is_neither_is_passed_over_with_a_line(
    checkout: Path, start_engine: StartEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(checkout, start_engine(403)) is None
    assert "status 403" in capsys.readouterr().out
