"""Verifier of access tokens of one app, with the verified ones in memory."""

import hashlib
import re
import time

from shared_web.auth.tokens.issuer import fetch_keys
from shared_web.auth.tokens.signing_keys import SigningKeys
from shared_web.auth.tokens.verification import SignedIn, UnverifiedToken, refused, signed_in
from shared_web.settings import TokenSettings
from shared_web.threads import ReservedThreads

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_KEY_PREFIX = "veritas_"
_MAX_CACHED = 10_000
# Signatures are verified outside of the event loop: some take a millisecond.
_THREADS = 2


def is_token(bearer: str) -> bool:
    """Return True if the bearer value is no key and has the form of a signed token."""
    return not bearer.startswith(_KEY_PREFIX) and _TOKEN.fullmatch(bearer) is not None


class TokenVerifier:
    """Verifier of the tokens of the settings' issuer.

    cache_seconds: time for which a verified token is not verified again; at most until it expires.
    """

    def __init__(self, settings: TokenSettings, cache_seconds: float) -> None:
        self._settings = settings
        self._cache_seconds = cache_seconds
        self._keys = SigningKeys(lambda: fetch_keys(settings))
        self._cache: dict[bytes, tuple[float, SignedIn]] = {}
        self._threads = ReservedThreads(_THREADS)

    @property
    def is_on(self) -> bool:
        """True if the settings name an issuer."""
        return bool(self._settings.oidc_issuer)

    async def verify(self, token: str) -> SignedIn:
        """Return the person of the token.

        Raises:
            Unauthenticated: the token is not valid, see `verification`.
            IssuerUnavailable: its key is not known, and the issuer does not answer.

        """
        digest = hashlib.blake2b(token.encode(), digest_size=32).digest()
        cached_until, found = self._cache.get(digest, (0.0, None))
        now = time.time()
        if found is None or cached_until <= now:
            found = await self._verify(token)
            self._remember(digest, found)
        return found

    async def _verify(self, token: str) -> SignedIn:
        unverified = UnverifiedToken.read(token)
        keys = await self._keys.find(unverified.kid)
        if not keys:
            raise refused("The issuer publishes no key of its `kid`.")
        claims = await self._threads.run(lambda: unverified.claims(keys))
        if claims is None and unverified.kid is None and await self._keys.renew():
            # Without `kid` a new key looks like a wrong signature.
            renewed = await self._keys.find(None)
            claims = await self._threads.run(lambda: unverified.claims(renewed))
        if claims is None:
            raise refused("Its signature is wrong.")
        return signed_in(claims, self._settings, time.time())

    def _remember(self, digest: bytes, found: SignedIn) -> None:
        until = min(found.valid_until, time.time() + self._cache_seconds)
        self._cache.pop(digest, None)
        while len(self._cache) >= _MAX_CACHED:
            self._cache.pop(next(iter(self._cache)))
        self._cache[digest] = (until, found)
