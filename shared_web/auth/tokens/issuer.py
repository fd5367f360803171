"""Documents of the issuer: its configuration, and the public keys that sign its tokens."""

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from shared_web.settings import TokenSettings, is_safe_url

logger = logging.getLogger("veritas.tokens")

# Time for each wait, and for a whole document, which may come in drops.
WAIT_SECONDS = 3.0
DOCUMENT_SECONDS = 3.0
MAX_BYTES = 512 * 1024
_MAX_REDIRECTS = 3
_MAX_KEYS = 100
_CONFIGURATION = "/.well-known/openid-configuration"
_ASYMMETRIC = {"RSA", "EC", "OKP"}
# A modulus of 2,048 bits in base64url.
_MIN_MODULUS = 342


class IssuerFailure(Exception):
    """The issuer's documents cannot be fetched or used; the text has no secret."""


def fetch_keys(settings: TokenSettings) -> tuple[Key, ...]:
    """Return the public keys of the issuer; a fetch takes seconds if it is slow.

    Raises:
        IssuerFailure: the issuer does not answer, or with something else.

    """
    with httpx.Client(timeout=WAIT_SECONDS, headers={"Accept-Encoding": "identity"}) as client:
        url = settings.oidc_jwks_url or _jwks_url(client, settings.oidc_issuer)
        listed = _fetch(client, url).get("keys")
    if not isinstance(listed, list):
        raise IssuerFailure("The key set has no list `keys`.")
    return tuple(_public_keys(listed[:_MAX_KEYS]))


def _jwks_url(client: httpx.Client, issuer: str) -> str:
    configuration = _fetch(client, issuer.rstrip("/") + _CONFIGURATION)
    if configuration.get("issuer") != issuer:
        raise IssuerFailure(
            "The configuration names another issuer than OIDC_ISSUER. Copy its `issuer` exactly."
        )
    url = configuration.get("jwks_uri")
    if not isinstance(url, str) or not is_safe_url(url):
        raise IssuerFailure("The configuration has no https address `jwks_uri`.")
    return url


def _fetch(client: httpx.Client, url: str) -> Mapping[str, Any]:
    """Return the JSON object at the URL; a redirect is followed on the same host alone."""
    place, until = urlsplit(url), time.monotonic() + DOCUMENT_SECONDS
    try:
        for _ in range(1 + _MAX_REDIRECTS):
            with client.stream("GET", url) as answer:
                if not answer.has_redirect_location:
                    return _object(answer, until)
                url = urljoin(url, answer.headers["location"])
            if urlsplit(url)[:2] != place[:2]:
                raise IssuerFailure("It redirects to another host.")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failure:
        raise IssuerFailure(f"It cannot be read: {type(failure).__name__}.") from failure
    raise IssuerFailure("It redirects too often.")


def _object(answer: httpx.Response, until: float) -> Mapping[str, Any]:
    if answer.status_code != httpx.codes.OK:
        raise IssuerFailure(f"It answers with status {answer.status_code}.")
    content = bytearray()
    for chunk in answer.iter_raw():
        content += chunk
        if len(content) > MAX_BYTES:
            raise IssuerFailure(f"It is longer than {MAX_BYTES} bytes.")
        if time.monotonic() > until:
            raise IssuerFailure(f"It takes longer than {DOCUMENT_SECONDS:g} seconds.")
    found = orjson.loads(bytes(content))
    if not isinstance(found, dict):
        raise IssuerFailure("It is no JSON object.")
    return found


def _public_keys(listed: Iterable[object]) -> Iterable[Key]:
    for one in listed:
        if not isinstance(one, dict) or one.get("kty") not in _ASYMMETRIC:
            continue  # a set may hold keys for other uses
        if one["kty"] == "RSA" and len(str(one.get("n"))) < _MIN_MODULUS:
            logger.warning("a key of the issuer is too short and is not used")
            continue
        try:
            yield import_key({name: value for name, value in one.items() if name != "d"})
        except (JoseError, ValueError, TypeError, KeyError) as failure:
            logger.warning("a key of the issuer cannot be used: %s", type(failure).__name__)
