"""Guard of the development containers: refuses to start them beside a school's installation.

Runs in a container of docker-compose.yml before all others, with the standard library alone:
`python -m veritas_cli.production_guard CHECKOUT SOCKET`.
"""

import socket
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path

VOLUME = "veritas_postgres-data"
COMMAND = "./deploy/secrets.sh && docker compose -f docker-compose.production.yml up -d"
_TIMEOUT_SECONDS = 5
_READABLE_BY_OTHERS = 0o005
_OK, _NOT_FOUND = 200, 404


class _EngineConnection(HTTPConnection):
    """HTTP over the socket of the container engine."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's file in place of a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))


def refusal(checkout: Path, engine: Path) -> str | None:
    """Return the reason not to start development here, or None."""
    unreadable = "the containers cannot read this folder. Let them: chmod -R o+rX ."
    try:
        is_open = checkout.stat().st_mode & _READABLE_BY_OTHERS == _READABLE_BY_OTHERS
        (checkout / "secrets").stat()
    except FileNotFoundError:
        if not is_open:
            return unreadable  # the containers' user is not root, but this process may be
        return _beside(f"the volume {VOLUME} exists") if _volume_exists(engine) else None
    except PermissionError:
        return unreadable
    return _beside("the folder ./secrets exists")


def _beside(trace: str) -> str:
    return (
        f"{trace}. docker-compose.yml is for development, open to everybody on this machine. "
        f"Start a school's installation with: {COMMAND}"
    )


def _volume_exists(engine: Path) -> bool:
    """Return True if the engine has the volume; print a line and return False if unknown."""
    connection = _EngineConnection(engine)
    try:
        connection.request("GET", f"/volumes/{VOLUME}")
        status = connection.getresponse().status
    except (OSError, HTTPException) as failure:
        answer = f"{type(failure).__name__}"
    else:
        if status in {_OK, _NOT_FOUND}:
            return status == _OK
        answer = f"status {status}"
    finally:
        connection.close()
    print(  # noqa: T201 - the container's output
        f"The engine could not be asked for the volume {VOLUME} ({answer}), so only ./secrets was "
        "looked for. DOCKER_SOCKET_FOLDER names the folder of docker.sock."
    )
    return False


if __name__ == "__main__":
    found = refusal(Path(sys.argv[1]), Path(sys.argv[2]))
    if found is not None:
        sys.exit(f"NOT STARTED: {found}")
