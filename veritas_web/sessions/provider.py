"""Sign-in at the school's provider by OpenID Connect: code flow with PKCE, state and nonce."""

from collections.abc import Mapping
from typing import Any

import httpx2
import structlog
from authlib.integrations.starlette_client import OAuth, OAuthError
from fastapi import Request, Response
from joserfc.errors import JoseError

from shared_web.auth.tokens.logins import checked_login
from veritas_web.errors import ServiceAway, SignInRefused
from veritas_web.settings import CALLBACK_PATH, Settings

logger = structlog.stdlib.get_logger("veritas.web")

_NAME = "school"
_SECONDS = 5.0
_CONFIGURATION = "/.well-known/openid-configuration"


class Provider:
    """Provider of OpenID Connect; its documents are read at the first sign-in."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.web_oidc_client_secret
        self._issuer = settings.web_oidc_issuer
        self._client_id = settings.web_oidc_client_id
        self._claim = settings.oidc_person_claim
        self._callback = f"{settings.address}{CALLBACK_PATH}"
        scope = "openid email" if self._claim == "email" else "openid profile"
        self._client = OAuth().register(
            _NAME,
            client_id=self._client_id,
            client_secret=secret.get_secret_value() if secret else None,
            server_metadata_url=f"{self._issuer.rstrip('/')}{_CONFIGURATION}",
            client_kwargs={
                "scope": scope,
                "code_challenge_method": "S256",
                "timeout": _SECONDS,
                **({} if secret else {"token_endpoint_auth_method": "none"}),
            },
        )

    @classmethod
    def of(cls, settings: Settings) -> "Provider | None":
        """Return the provider of the settings, if one is set."""
        return cls(settings) if settings.web_oidc_issuer else None

    async def begin(self, request: Request, kept: dict[str, Any]) -> Response:
        """Return the redirect to the provider, and keep state, nonce and verifier.

        Raises:
            ServiceAway: the provider does not answer.

        """
        request.scope["session"] = kept
        try:
            await self._require_issuer()
            redirect: Response = await self._client.authorize_redirect(request, self._callback)
        except (httpx2.HTTPError, ValueError, KeyError, RuntimeError) as failure:
            raise self._away(failure) from None
        return redirect

    async def finish(self, request: Request, kept: dict[str, Any]) -> str:
        """Return the login of the person of the provider's answer.

        kept: by `begin`.

        Raises:
            SignInRefused: the provider refused, the answer is not one to our request, or the token
                is not valid or names nobody.
            ServiceAway: the provider does not answer.

        """
        request.scope["session"] = kept
        wanted = {
            "iss": {"essential": True, "values": [self._issuer]},
            "aud": {"essential": True, "values": [self._client_id]},
        }
        try:
            await self._require_issuer()
            token = await self._client.authorize_access_token(request, claims_options=wanted)
            claims = await self._claims(token)
        except (OAuthError, JoseError, AttributeError, TypeError) as failure:
            logger.warning("sign-in refused", error=type(failure).__name__)
            raise SignInRefused("The provider's answer is not valid: begin again.") from None
        except (httpx2.HTTPError, ValueError, KeyError, RuntimeError) as failure:
            raise self._away(failure) from None
        return self._login(claims)

    async def _claims(self, token: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the claims of the ID token; if it lacks the login, also those of the user info."""
        claims = token.get("userinfo")
        if not claims:
            raise SignInRefused("The provider sent no ID token.")
        if claims.get(self._claim) is not None:
            return dict(claims)
        metadata = await self._client.load_server_metadata()
        if "userinfo_endpoint" not in metadata:
            return dict(claims)
        more = await self._client.userinfo(token=token)
        if more.get("sub") != claims.get("sub"):
            raise SignInRefused("The provider's user info is about somebody else.")
        return {**more, **claims}

    def _login(self, claims: Mapping[str, Any]) -> str:
        # As the services do with tokens of persons.
        if self._claim == "email" and claims.get("email_verified") in (False, "false"):
            raise SignInRefused("The provider has not verified the e-mail address.")
        value = claims.get(self._claim)
        try:
            return checked_login(value.strip()) if isinstance(value, str) else _nobody()
        except ValueError:
            raise SignInRefused(
                f"The provider's token has no usable claim {self._claim} (OIDC_PERSON_CLAIM)."
            ) from None

    async def _require_issuer(self) -> None:
        metadata = await self._client.load_server_metadata()
        if metadata.get("issuer") != self._issuer:
            raise ValueError("The configuration names another issuer than WEB_OIDC_ISSUER")

    def _away(self, failure: Exception) -> ServiceAway:
        # Texts of httpx may have the address with the code.
        reason = str(failure) if type(failure) is ValueError else type(failure).__name__
        logger.warning("the provider cannot be used", error=reason)
        return ServiceAway("The school's sign-in service does not answer. Try again in a minute.")


def _nobody() -> str:
    raise ValueError("the claim is absent")
