"""Access tokens for tests: keys, and tokens signed by them."""

import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry
from joserfc.jwt import encode

ISSUER = "https://login.school.example"
AUDIENCE = "veritas"


class _AnyAlgorithm(JWSRegistry):
    """Registry that signs by any algorithm, without warnings."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


@cache
def private_key(algorithm: str = "RS256", kid: str | None = "first") -> Key:
    """Return a private key for the algorithm; the same for the same arguments."""
    parameters: Any = {} if kid is None else {"kid": kid}
    match algorithm:
        case "ES256":
            return ECKey.generate_key("P-256", parameters)
        case "ES384":
            return ECKey.generate_key("P-384", parameters)
        case "ES512":
            return ECKey.generate_key("P-521", parameters)
        case "EdDSA":
            return OKPKey.generate_key("Ed25519", parameters)
        case _:
            return RSAKey.generate_key(2048, parameters)


def public(*keys: Key) -> Sequence[Key]:
    """Return the public parts of the keys."""
    return [import_key(key.as_dict(private=False)) for key in keys]


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token; None removes one."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "0123",
        "iat": now,
        "exp": now + 300,
        "email": "emmy@school.example",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def a_token(
    content: Mapping[str, Any] | None = None,
    key: Key | None = None,
    **header: Any,
) -> str:
    """Return a signed token; `header` changes its header, None removes a field."""
    signer = key or private_key()
    fields = {"alg": "RS256", "kid": signer.kid, "typ": "at+jwt", **header}
    present = {name: value for name, value in fields.items() if value is not None}
    registry = _AnyAlgorithm(strict_check_header=False)
    body = dict(claims() if content is None else content)
    return encode(present, body, signer, registry=registry, default_type=None)
