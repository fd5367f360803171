"""Keys of the issuer: fetched once for many requests, and again after a rotation."""

import asyncio
from collections.abc import Iterator

import pytest

from shared_web.auth.tokens import issuer as issuer_module
from shared_web.auth.tokens import signing_keys
from shared_web.auth.tokens.issuer import MAX_BYTES, IssuerFailure, fetch_keys
from shared_web.auth.tokens.signing_keys import IssuerUnavailable, SigningKeys
from tests.support.issuer import CONFIGURATION, KEYS, Issuer, running_issuer
from tests.support.tokens import private_key

NEVER = 3600.0


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture
def keys(issuer: Issuer) -> SigningKeys:
    return SigningKeys(lambda: fetch_keys(issuer.service_settings()))


async def kids(keys: SigningKeys, kid: str | None) -> list[str | None]:
    return [key.kid for key in await keys.find(kid)]


def test_the_first_requests_share_one_fetch(issuer: Issuer, keys: SigningKeys) -> None:
    async def ask() -> list[list[str | None]]:
        return await asyncio.gather(*(kids(keys, "first") for _ in range(50)))

    assert issuer.asked == []
    assert asyncio.run(ask()) == [["first"]] * 50
    assert issuer.asked == [CONFIGURATION, KEYS]


def test_unknown_keys_in_any_number_cause_one_request_in_the_pause(
    issuer: Issuer, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "PAUSE_SECONDS", NEVER)

    async def ask() -> None:
        for start in (0, 100, 200):
            unknown = (kids(keys, f"k{number}") for number in range(start, start + 100))
            assert await asyncio.gather(*unknown) == [[]] * 100

    asyncio.run(ask())
    assert issuer.asked.count(KEYS) == 1


def test_a_new_key_is_found_without_a_restart(
    issuer: Issuer, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "PAUSE_SECONDS", 0)

    async def rotate() -> None:
        assert await kids(keys, "first") == ["first"]
        issuer.publish(private_key(), private_key(kid="second"))
        assert await kids(keys, "second") == ["second"]
        assert await kids(keys, None) == ["first", "second"]
        issuer.publish(private_key(kid="second"))
        assert await kids(keys, "third") == []
        assert await kids(keys, "first") == []

    asyncio.run(rotate())


def test_a_withdrawn_key_is_forgotten_after_the_renewal(
    issuer: Issuer, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the renewal, so the key is found once more."""
    monkeypatch.setattr(signing_keys, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(signing_keys, "RENEWAL_SECONDS", 0)

    async def withdraw() -> bool:
        await keys.find("first")
        issuer.publish(private_key(kid="second"))
        for _ in range(1000):
            if not await keys.find("first"):
                return True
            await asyncio.sleep(0.01)
        return False

    assert asyncio.run(withdraw())


def test_known_keys_stay_while_the_issuer_is_away(
    issuer: Issuer, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "PAUSE_SECONDS", 0)

    async def lose() -> None:
        await keys.find("first")
        issuer.fall_silent()
        with pytest.raises(IssuerUnavailable):
            await keys.find("second")
        assert await kids(keys, "first") == ["first"]

    asyncio.run(lose())


def test_an_issuer_that_never_answered_is_asked_again_after_the_pause(
    issuer: Issuer, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.fall_silent()
    monkeypatch.setattr(signing_keys, "PAUSE_SECONDS", NEVER)

    async def wait() -> None:
        for _ in range(3):
            with pytest.raises(IssuerUnavailable) as refused:
                await keys.find("first")
            assert 3000 < (refused.value.retry_after_seconds or 0) <= NEVER
        assert len(issuer.asked) == 1
        issuer.serve(CONFIGURATION, {"issuer": issuer.url, "jwks_uri": issuer.url + KEYS})
        issuer.publish(private_key())
        monkeypatch.setattr(signing_keys, "PAUSE_SECONDS", 0)
        assert await kids(keys, "first") == ["first"]

    asyncio.run(wait())


def test_a_redirect_is_followed_on_the_same_host_alone(issuer: Issuer) -> None:
    content = issuer.answers[KEYS][2]
    issuer.serve("/moved", content)
    issuer.serve(KEYS, b"", status=302, Location="/moved")
    with running_issuer() as other:
        assert [key.kid for key in fetch_keys(issuer.service_settings())] == ["first"]

        issuer.serve(KEYS, b"", status=302, Location=other.url + KEYS)
        with pytest.raises(IssuerFailure, match="another host"):
            fetch_keys(issuer.service_settings())
        assert other.asked == []

    issuer.serve(KEYS, b"", status=302, Location=KEYS)
    with pytest.raises(IssuerFailure, match="too often"):
        fetch_keys(issuer.service_settings())


def test_documents_that_cannot_be_used_are_failures(issuer: Issuer) -> None:
    wanted = issuer.service_settings()
    for body, reason in (
        (b" " * (MAX_BYTES + 1), "longer"),
        (b"<html>", "JSONDecodeError"),
        (b"[]", "no JSON object"),
        (b'{"keys": {}}', "no list"),
    ):
        issuer.serve(KEYS, body)
        with pytest.raises(IssuerFailure, match=reason):
            fetch_keys(wanted)
    for changes, reason in (
        ({"issuer": f"{issuer.url}/other"}, "another issuer"),
        ({"jwks_uri": "http://keys.school.example/"}, "no https address"),
        ({"jwks_uri": None}, "no https address"),
    ):
        issuer.serve(CONFIGURATION, {"issuer": issuer.url, "jwks_uri": issuer.url, **changes})
        with pytest.raises(IssuerFailure, match=reason):
            fetch_keys(wanted)
    issuer.fall_silent()
    with pytest.raises(IssuerFailure, match="502"):
        fetch_keys(wanted)


def test_a_slow_document_is_given_up(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_module, "DOCUMENT_SECONDS", -1.0)

    with pytest.raises(IssuerFailure, match="longer than"):
        fetch_keys(issuer.service_settings())


def test_only_usable_public_keys_are_taken(issuer: Issuer) -> None:
    good = private_key().as_dict(private=False)
    listed = [
        7,
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {"kty": "RSA", "n": good["n"][:170], "e": "AQAB", "kid": "short"},
        {"kty": "RSA", "kid": "empty"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "off the curve"},
        {"kty": "EC", "crv": "unheard", "x": "AAAA", "y": "AAAA", "kid": "no curve"},
        {"kty": "AKP", "kid": "of the future"},
        good,
    ]
    issuer.serve(KEYS, {"keys": listed})

    [key] = fetch_keys(issuer.service_settings(oidc_jwks_url=issuer.url + KEYS))
    assert key.kid == "first"
    assert not key.is_private
    assert issuer.asked == [KEYS]
