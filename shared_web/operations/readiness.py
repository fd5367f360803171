"""Whether a service on this machine can serve requests, as an exit status: for health checks."""

import os
import sys
from http.client import HTTPConnection, HTTPException

_TIMEOUT_SECONDS = 4
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound


def reachable_at(host: str) -> str:
    """Return the address at which this machine reaches a service that listens on `host`."""
    return _EVERY_ADDRESS.get(host, host)


def url_at(host: str, port: int) -> str:
    """Return the URL at which this machine reaches a service that listens there."""
    address = reachable_at(host)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def readiness_failure(port: int, host: str = "127.0.0.1") -> str | None:
    """Return why the service on this port of the machine is not ready, or None when it is."""
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
