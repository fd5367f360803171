"""Issuer of access tokens on this machine, whose documents a test chooses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc.jwk import Key

from shared_web.settings import ServiceSettings
from tests.support.tokens import AUDIENCE, a_token, claims, private_key, public

CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/keys"


class Issuer:
    """Issuer that answers over HTTP while it runs; `asked` has the paths of all requests.

    answers: by path, the status, the headers and the body.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.serve(CONFIGURATION, {"issuer": self.url, "jwks_uri": self.url + KEYS})
        self.publish(private_key())

    def serve(self, path: str, document: object, status: int = 200, **headers: str) -> None:
        """Answer the path with the document, which is JSON unless it is bytes."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answers[path] = (status, headers, body)

    def publish(self, *keys: Key) -> None:
        """Publish these keys and no others."""
        self.serve(KEYS, {"keys": [key.as_dict(private=False) for key in public(*keys)]})

    def fall_silent(self) -> None:
        """Answer every request with 502, as a proxy of an issuer that is away."""
        self.answers.clear()

    def token(self, key: Key | None = None, **changes: Any) -> str:
        """Return a token of this issuer; `changes` are those of its claims."""
        return a_token(claims(**{"iss": self.url, **changes}), key)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return the settings of a service that trusts this issuer."""
        return {"oidc_issuer": self.url, "oidc_audience": AUDIENCE, **changes}

    def service_settings(self, **changes: Any) -> ServiceSettings:
        """Return the same as settings."""
        return ServiceSettings(**self.settings(**changes))


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Run an issuer on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            status, headers, body = issuer.answers.get(self.path, (502, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = Issuer(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
