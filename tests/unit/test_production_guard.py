"""Guard of the development containers, with a stand-in for the container engine."""

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
    """Yield a function that starts an engine with this status for the volume."""
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
    """Return a folder like a developer's clone."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    return folder


def test_a_developers_checkout_is_accepted(
    checkout: Path, start_engine: StartEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(checkout, start_engine(404)) is None
    assert capsys.readouterr().out == ""


def test_a_checkout_readable_by_its_owner_only_is_refused(
    checkout: Path, start_engine: StartEngine
) -> None:
    checkout.chmod(0o700)

    assert "chmod -R o+rX" in (refusal(checkout, start_engine(404)) or "")


def test_a_checkout_with_secrets_is_refused(checkout: Path) -> None:
    (checkout / "secrets").mkdir()

    text = str(refusal(checkout, checkout / "docker.sock"))

    assert text.startswith("the folder ./secrets exists. ")
    assert text.endswith(COMMAND)
    assert "\n" not in text


def test_a_machine_with_the_volume_is_refused(checkout: Path, start_engine: StartEngine) -> None:
    text = str(refusal(checkout, start_engine(200)))

    assert text.startswith(f"the volume {VOLUME} exists. ")
    assert text.endswith(COMMAND)


def test_an_unreachable_engine_is_skipped_with_a_line(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(checkout, checkout / "docker.sock") is None
    assert "only ./secrets was looked for" in capsys.readouterr().out


def test_an_unexpected_answer_is_skipped_with_a_line(
    checkout: Path, start_engine: StartEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(checkout, start_engine(403)) is None
    assert "status 403" in capsys.readouterr().out
