"""Health check of a service on this machine, with its result as exit status."""

import os
import sys
from http.client import HTTPConnection, HTTPException

_TIMEOUT_SECONDS = 4
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound


def reachable_at(host: str) -> str:
    """Return the local address of a service that listens on `host`."""
    return _EVERY_ADDRESS.get(host, host)


def url_at(host: str, port: int) -> str:
    """Return the local URL of a service that listens on the host and port."""
    address = reachable_at(host)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def readiness_failure(port: int, host: str = "127.0.0.1") -> str | None:
    """Return the reason why the service on this port is not ready, or None if it is."""
    connection = HTTPConnection(reachable_at(host), port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return None if answer.status == 200 else f"{answer.status}: {answer.read(500).decode()}"  # noqa: PLR2004
    except (OSError, HTTPException) as failure:
        return f"no answer: {failure}"
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(readiness_failure(int(sys.argv[1]), os.environ.get("HOST") or "127.0.0.1"))
