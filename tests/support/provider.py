"""Provider of OpenID Connect of another make, in a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.e2e.processes import wait_until, without_settings
from veritas_cli.processes.termination import detached, terminate

CALLBACK = "http://127.0.0.1/callback"
CONFIGURATION = "/.well-known/openid-configuration"


NODE_PROVIDER = Path(__file__).parent / "node_provider" / "provider.mjs"


class Provider:
    """Running provider, at which every person may sign in without a password."""

    def __init__(self, url: str) -> None:
        self.url = url

    def is_ready(self) -> bool:
        """Return True if it answers."""
        try:
            return httpx.get(self.url + CONFIGURATION).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def sign_in(self, email: str, client: str = "veritas", **claims: object) -> str:
        """Return the signed token that the person gets for the client, by the code flow."""
        with httpx.Client(base_url=self.url) as browser:
            browser.put(f"/users/{email}", json={"email": email, **claims}).raise_for_status()
            asked = {"response_type": "code", "scope": "openid email"}
            asked |= {"client_id": client, "redirect_uri": CALLBACK}
            agreed = browser.post("/oauth2/authorize", params=asked, data={"sub": email})
            [code] = parse_qs(urlsplit(agreed.headers["location"]).query)["code"]
            wanted = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
            secret = {"client_id": client, "client_secret": "any"}
            answer = browser.post("/oauth2/token", data=wanted | secret)
            token: str = answer.raise_for_status().json()["id_token"]
            return token

    def access_token(self, email: str, resource: str) -> str:
        """Return the access token of a person for an API, from `provider.mjs`."""
        wanted = {"grant_type": "client_credentials", "resource": resource, "scope": email}
        client = ("dashboard", "not-a-secret-in-a-test")
        answer = httpx.post(f"{self.url}/token", data=wanted, auth=client)
        token: str = answer.raise_for_status().json()["access_token"]
        return token


@contextmanager
def running_provider(port: int, *, token_seconds: int = 3600) -> Iterator[Provider]:
    """Run a provider with a new key on the port; its tokens are valid for so many seconds."""
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    with _running([*command, f"--token-max-age={token_seconds}"], port) as provider:
        yield provider


@contextmanager
def running_node_provider(port: int) -> Iterator[Provider]:
    """Run the provider of tests/support/node_provider, whose access tokens are JWTs for one API."""
    with _running(["node", str(NODE_PROVIDER), str(port)], port) as provider:
        yield provider


@contextmanager
def _running(command: list[str], port: int) -> Iterator[Provider]:
    process = subprocess.Popen(
        command,
        env=without_settings(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **detached(signal.SIGKILL),
    )
    provider = Provider(f"http://127.0.0.1:{port}")
    try:
        assert wait_until(lambda: provider.is_ready() or process.poll() is not None)
        assert process.poll() is None
        yield provider
    finally:
        terminate(process)
