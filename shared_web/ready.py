"""Whether a service on this machine can serve requests, as an exit status: for health checks."""

import sys
from http.client import HTTPConnection, HTTPException

_TIMEOUT_SECONDS = 4


def refusal_of(port: int) -> str | None:
    """Return why the service on this port of the machine is not ready, or None when it is."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return None if answer.status == 200 else f"{answer.status}: {answer.read(500).decode()}"  # noqa: PLR2004
    except (OSError, HTTPException) as failure:
        return f"no answer: {failure}"
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(refusal_of(int(sys.argv[1])))
