"""Verification of access tokens: signature, issuer, audience and times, as pure computation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import Key
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact
from joserfc.jwt import JWTClaimsRegistry

from shared_web.auth.tokens.logins import MAX_LOGIN, checked_login
from shared_web.problems import Unauthenticated
from shared_web.settings import TokenSettings

RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ALGORITHMS = (*RSA, "ES256", "ES384", "ES512", "EdDSA")
# The type of access tokens (RFC 9068), and the one of any token.
_TYPES = {"at+jwt", "application/at+jwt", "jwt", ""}

_REASONS = {
    "iss": "It was made by another issuer than OIDC_ISSUER.",
    "aud": "It was made for another audience: its `aud` must contain OIDC_AUDIENCE.",
    "exp": "Its `exp` is no time.",
    "nbf": "It is not valid yet, or its `nbf` is no time. Compare the clocks.",
    "iat": "It was made in the future, or its `iat` is no time. Compare the clocks.",
}


class _Registry(JWSRegistry):
    """Algorithms and limits of tokens; headers that the library does not know are ignored."""

    max_header_length = 8192

    def get_alg(self, name: str) -> Any:
        """Return the algorithm, without the library's warning that EdDSA has a newer name."""
        return self.algorithms[name]


_registry = _Registry(strict_check_header=False)


@dataclass(frozen=True)
class SignedIn:
    """Person of a verified token.

    login: value of OIDC_PERSON_CLAIM. roles: of Veritas, by OIDC_ROLES. valid_until: seconds since
    1970, at which the token is refused, with the permitted difference of the clocks.
    """

    login: str
    roles: tuple[str, ...]
    valid_until: float


@dataclass(frozen=True)
class UnverifiedToken:
    """Token with an acceptable header; kid: id of its key, or None."""

    kid: str | None
    algorithm: str
    _signed: CompactSignature

    @classmethod
    def read(cls, token: str) -> "UnverifiedToken":
        """Return the token if its header is acceptable.

        Raises:
            Unauthenticated: it is no signed token, or of an algorithm or type that is refused.

        """
        try:
            signed = extract_compact(token.encode(), registry=_registry)
            header = signed.headers()
            if not isinstance(header, dict):
                raise refused("Its header cannot be read.")
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
            raise refused("Its header cannot be read.") from None
        if header.get("alg") not in ALGORITHMS:
            raise refused(f"It must be signed by one of {', '.join(ALGORITHMS)}.")
        if str(header.get("typ") or "").lower() not in _TYPES:
            raise refused("Its `typ` must be at+jwt or JWT: send an access token.")
        if "crit" in header or "b64" in header:
            raise refused("Its header has `crit` or `b64`, which Veritas does not support.")
        kid = header.get("kid")
        if not (kid is None or isinstance(kid, str)):
            raise refused("Its `kid` is no text.")
        return cls(kid, header["alg"], signed)

    def claims(self, keys: Sequence[Key]) -> Mapping[str, Any] | None:
        """Return the claims if one of the keys signed them, else None.

        Raises:
            Unauthenticated: no key is of the algorithm, or the claims are no object.

        """
        fitting = [key for key in keys if self._fits(key)]
        if keys and not fitting:
            raise refused("Its algorithm is not that of its key.")
        if not any(self._is_signed_by(key) for key in fitting):
            return None
        try:
            claims = orjson.loads(self._signed.payload)
        except ValueError:
            claims = None
        if not isinstance(claims, dict):
            raise refused("Its claims are no JSON object.")
        return claims

    def _fits(self, key: Key) -> bool:
        try:
            _registry.get_alg(self.algorithm).check_key(key)
        except JoseError:
            return False
        return True

    def _is_signed_by(self, key: Key) -> bool:
        try:
            return validate_compact(self._signed, key, registry=_registry)
        except (JoseError, ValueError, TypeError):
            return False


def signed_in(claims: Mapping[str, Any], settings: TokenSettings, now: float) -> SignedIn:
    """Return the person of verified claims.

    now: seconds since 1970.

    Raises:
        Unauthenticated: the token is of another issuer or audience, out of time, or names nobody.

    """
    skew = settings.oidc_clock_skew_seconds
    wanted = JWTClaimsRegistry(
        now=int(now),
        leeway=skew,
        iss={"essential": True, "value": settings.oidc_issuer},
        aud={"essential": True, "values": [settings.oidc_audience]},
        exp={"essential": True},
    )
    try:
        wanted.validate(dict(claims))
    except ExpiredTokenError:
        raise refused("It has expired.") from None
    except MissingClaimError as refusal:
        raise refused(f"It lacks {refusal.claim}.") from None
    except InvalidClaimError as refusal:
        raise refused(_REASONS.get(refusal.claim, "A claim is wrong.")) from None
    return SignedIn(_person(claims, settings), _roles(claims, settings), claims["exp"] + skew)


def refused(reason: str) -> Unauthenticated:
    """Return the refusal of a token; the reason has nothing of its content."""
    return Unauthenticated(f"The access token is refused. {reason}")


def _person(claims: Mapping[str, Any], settings: TokenSettings) -> str:
    name = settings.oidc_person_claim
    if name == "email" and claims.get("email_verified") in (False, "false"):
        raise refused("The issuer has not verified the e-mail address.")
    value = _claim(claims, name)
    if not isinstance(value, str) or not value.strip():
        raise refused(f"It has no text in the claim {name} (OIDC_PERSON_CLAIM).")
    try:
        return checked_login(value.strip())
    except ValueError:
        raise refused(
            f"Its claim {name} must have at most {MAX_LOGIN} visible characters."
        ) from None


def _roles(claims: Mapping[str, Any], settings: TokenSettings) -> tuple[str, ...]:
    value = _claim(claims, settings.oidc_role_claim) if settings.oidc_role_claim else None
    values = value if isinstance(value, list) else [value]
    known = settings.oidc_roles
    return tuple(
        dict.fromkeys(known[one] for one in values if isinstance(one, str) and one in known)
    )


def _claim(claims: Mapping[str, Any], path: str) -> object:
    """Return the claim of that name, else the one at the dotted path, else None."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
