"""Access tokens: each algorithm is verified, and each attack is refused."""

import base64
import json
from typing import Any

import pytest
from joserfc.jwk import Key, OctKey, import_key
from joserfc.jws import serialize_compact

from shared_web.auth.tokens.verification import ALGORITHMS, SignedIn, UnverifiedToken, signed_in
from shared_web.auth.tokens.verifier import is_token
from shared_web.problems import Unauthenticated
from shared_web.settings import ServiceSettings
from tests.support.tokens import AUDIENCE, ISSUER, a_token, claims, private_key, public

NOW = 1_800_000_000
SKEW = 60


def settings(**changes: Any) -> ServiceSettings:
    values: dict[str, Any] = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE}
    return ServiceSettings(**values, oidc_clock_skew_seconds=SKEW, **changes)


def verified(token: str, *keys: Key) -> dict[str, Any] | None:
    found = UnverifiedToken.read(token).claims(keys or public(private_key()))
    return None if found is None else dict(found)


def person(**changes: Any) -> SignedIn:
    times = {"iat": NOW, "exp": NOW + 300}
    return signed_in(claims(**{**times, **changes}), settings(), NOW)


def refusal(token: str, *keys: Key) -> str:
    with pytest.raises(Unauthenticated) as refused:
        verified(token, *keys)
    return refused.value.detail


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_each_algorithm_is_verified(algorithm: str) -> None:
    key = private_key(algorithm)
    content = claims()
    token = a_token(content, key, alg=algorithm)
    other = private_key(algorithm, kid="other")

    assert is_token(token)
    assert UnverifiedToken.read(token).kid == "first"
    assert verified(token, *public(key)) == content
    assert verified(token, *public(other)) is None
    assert verified(token, *public(other, key)) is not None


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "JWT", "jwt", None])
def test_types_of_access_tokens_are_accepted(typ: str | None) -> None:
    assert verified(a_token(typ=typ)) is not None


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "logout+jwt"}, "`typ`"),
        ({"typ": "secevent+jwt"}, "`typ`"),
        ({"crit": ["kid"]}, "`crit`"),
        ({"crit": ["b64"], "b64": True}, "`crit`"),
    ],
)
def test_headers_of_other_tokens_are_refused(header: dict[str, Any], reason: str) -> None:
    assert reason in refusal(a_token(**header))


def test_a_token_without_signature_is_refused() -> None:
    for algorithm in ("none", "None", "NONE", ""):
        token = f"{encoded({'alg': algorithm, 'kid': 'first'})}.{encoded(claims())}."
        assert is_token(token)
        assert "signed by one of" in refusal(token)


def test_a_public_key_is_no_shared_secret() -> None:
    """The classic attack: HS256 with the text of the public key as the secret."""
    [key] = public(private_key())
    secret = OctKey.import_key(base64.urlsafe_b64encode(json.dumps(key.as_dict()).encode()))
    token = a_token(key=secret, alg="HS256", kid="first")

    assert "signed by one of" in refusal(token, key)


def test_a_key_inside_the_token_is_not_used() -> None:
    forger = private_key(kid="forged")
    token = a_token(key=forger, kid="first", jwk=forger.as_dict(private=False))

    assert verified(token) is None


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("ES256", "RS256"), ("RS256", "ES256"), ("ES384", "ES256"), ("EdDSA", "ES256")],
)
def test_an_algorithm_that_is_not_the_keys_is_refused(algorithm: str, key: str) -> None:
    signer = private_key(algorithm)

    assert "not that of its key" in refusal(
        a_token(key=signer, alg=algorithm), *public(private_key(key))
    )


def test_a_key_is_used_only_for_its_own_algorithm_and_use() -> None:
    parts = private_key().as_dict(private=False)

    for limit in ({"alg": "RS512"}, {"use": "enc"}):
        assert "not that of its key" in refusal(a_token(), import_key({**parts, **limit}))
    assert verified(a_token(), import_key({**parts, "alg": "RS256", "use": "sig"})) is not None


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_part_is_refused(part: int) -> None:
    parts, others = a_token().split("."), a_token(claims(sub="9"), x=1).split(".")
    parts[part] = others[part]

    assert verified(".".join(parts)) is None


@pytest.mark.parametrize(
    "header",
    [
        "[]",
        '"alg"',
        "1",
        "{",
        '{"alg": 1}',
        '{"alg": []}',
        '{"alg": "RS256", "kid": 1}',
        "[" * 5000,
    ],
)
def test_malformed_headers_are_refused(header: str) -> None:
    head = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()

    assert "The access token is refused." in refusal(f"{head}.e30.AAAA")


@pytest.mark.parametrize("payload", ["[]", "1", "nonsense", '{"exp": NaN}', "[" * 5000])
def test_claims_that_are_no_object_are_refused(payload: str) -> None:
    token = serialize_compact({"alg": "RS256"}, payload, private_key())

    assert "no JSON object" in refusal(token)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": f"{ISSUER}/"}, "another issuer"),
        ({"iss": [ISSUER]}, "another issuer"),
        ({"iss": None}, "lacks iss"),
        ({"aud": "dashboard"}, "another audience"),
        ({"aud": ["dashboard", "lms"]}, "another audience"),
        ({"aud": {"veritas": 1}}, "another audience"),
        ({"aud": None}, "lacks aud"),
        ({"exp": None}, "lacks exp"),
        ({"exp": "tomorrow"}, "no time"),
        ({"exp": True}, "no time"),
        ({"exp": NOW - SKEW}, "expired"),
        ({"nbf": NOW + SKEW + 1}, "not valid yet"),
        ({"iat": NOW + SKEW + 1}, "in the future"),
        ({"email_verified": False}, "not verified"),
        ({"email_verified": "false"}, "not verified"),
        ({"email": None}, "claim email"),
        ({"email": "  "}, "claim email"),
        ({"email": ["emmy@school.example"]}, "claim email"),
        ({"email": "a" * 201}, "at most 200"),
        ({"email": "emmy\n@school.example"}, "visible"),
    ],
)
def test_wrong_claims_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        person(**changes)

    assert reason in refused.value.detail
    assert "emmy" not in refused.value.detail
    assert "dashboard" not in refused.value.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - SKEW + 1},
        {"nbf": NOW + SKEW},
        {"iat": NOW + SKEW},
        {"aud": ["lms", AUDIENCE]},
        {"email_verified": True},
    ],
)
def test_claims_at_the_limit_are_accepted(changes: dict[str, Any]) -> None:
    assert person(**changes).login == "emmy@school.example"


def test_the_person_is_valid_until_the_expiry_and_the_skew() -> None:
    assert person() == SignedIn("emmy@school.example", (), NOW + 300 + SKEW)


@pytest.mark.parametrize(
    ("claim", "value", "roles"),
    [
        ("groups", {"groups": ["staff-heads", "cooks", "it"]}, ("principal", "admin")),
        ("groups", {"groups": "it"}, ("admin",)),
        ("groups", {"groups": ["it", "it", 7, None]}, ("admin",)),
        ("groups", {"groups": {"it": 1}}, ()),
        ("groups", {}, ()),
        ("realm_access.roles", {"realm_access": {"roles": ["it"]}}, ("admin",)),
        ("realm_access.roles", {"realm_access": ["it"]}, ()),
        ("https://school.example/roles", {"https://school.example/roles": ["it"]}, ("admin",)),
    ],
)
def test_roles_come_from_the_claim(
    claim: str, value: dict[str, Any], roles: tuple[str, ...]
) -> None:
    chosen = settings(oidc_role_claim=claim, oidc_roles="staff-heads:principal,it:admin")

    assert signed_in(claims(exp=NOW, iat=NOW, **value), chosen, NOW).roles == roles


def test_another_claim_may_name_the_person() -> None:
    chosen = settings(oidc_person_claim="preferred_username")
    content = claims(exp=NOW, iat=NOW, preferred_username="emmy", email_verified=False)

    assert signed_in(content, chosen, NOW).login == "emmy"


@pytest.mark.parametrize(
    "bearer", ["veritas_a.b.c", "a.b", "a.b.c.d", ".b.c", "a..c", "a.b.c d", "", "a.b.ç"]
)
def test_other_bearer_values_are_no_tokens(bearer: str) -> None:
    assert not is_token(bearer)
