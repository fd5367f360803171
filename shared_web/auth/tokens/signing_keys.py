"""Cache of the issuer's keys; it is renewed for unknown keys, so that rotation needs no restart."""

import logging
import time
from collections.abc import Callable, Sequence

from joserfc.jwk import Key

from shared_db.errors import ServiceError
from shared_web.auth.tokens.issuer import IssuerFailure
from shared_web.threads import ReservedThreads, SharedRuns

logger = logging.getLogger("veritas.tokens")

# Unknown keys, in any number, cause one request to the issuer in this time.
PAUSE_SECONDS = 10.0
# Keys that the issuer withdrew are refused after this time, if it answers.
RENEWAL_SECONDS = 600.0
_RUN = "keys"


class IssuerUnavailable(ServiceError):
    """The issuer does not answer, so an unknown key may be one of its own."""

    slug = "issuer-unavailable"
    status = 503
    title = "The sign-in service cannot be reached"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(
            "The keys that sign access tokens cannot be fetched from OIDC_ISSUER. Try again later."
        )
        self.retry_after_seconds = retry_after_seconds


class SigningKeys:
    """Public keys of the issuer in one process, fetched when the first token comes."""

    def __init__(self, fetch: Callable[[], Sequence[Key]]) -> None:
        self._fetch = fetch
        self._keys: Sequence[Key] = ()
        self._tried_at = self._renewed_at = float("-inf")
        self._is_away = True
        self._runs = SharedRuns(ReservedThreads(1))

    async def find(self, kid: str | None) -> Sequence[Key]:
        """Return the keys of that id, or all if the token names none; empty: there is none.

        Raises:
            IssuerUnavailable: no key of that id is known, and the issuer does not answer.

        """
        found = self._named(kid)
        if not found:
            await self.renew()
            found = self._named(kid)
        elif time.monotonic() - self._renewed_at > RENEWAL_SECONDS and self._is_due():
            self._tried_at = time.monotonic()
            self._runs.start(_RUN, self._load)  # nobody waits for it
        if not found and self._is_away:
            left = self._tried_at + PAUSE_SECONDS - time.monotonic()
            raise IssuerUnavailable(retry_after_seconds=max(1, round(left)))
        return found

    async def renew(self) -> bool:
        """Fetch the keys again, unless that was tried just now; return True if it was."""
        if not self._runs.is_running(_RUN):
            if not self._is_due():
                return False
            self._tried_at = time.monotonic()
        await self._runs.run(_RUN, self._load)
        return True

    def _named(self, kid: str | None) -> Sequence[Key]:
        return [key for key in self._keys if kid is None or key.kid == kid]

    def _is_due(self) -> bool:
        return time.monotonic() - self._tried_at >= PAUSE_SECONDS

    def _load(self) -> None:
        try:
            self._keys = self._fetch()
        except IssuerFailure as failure:
            self._is_away = True
            logger.warning("the issuer's keys cannot be fetched: %s", failure)
        else:
            self._is_away = False
            self._renewed_at = time.monotonic()
