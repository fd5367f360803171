"""Sign-in at a provider of another make: rotation, expiry, audience, and its absence."""

import shutil

import pytest

from shared_web.auth.tokens import signing_keys
from tests.persons.conftest import Open, bearer
from tests.support.provider import NODE_PROVIDER, running_node_provider, running_provider
from tests.support.service_cases import assert_refused
from veritas_cli.processes.ports import free_port

STUDENTS = "/api/v1/students"
TEACHER = "teacher@school.example"


def test_a_person_signs_in_at_a_provider_that_rotates_its_keys_and_goes_away(
    open_service: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tokens name no key, so a new key looks like a wrong signature."""
    monkeypatch.setattr(signing_keys, "PAUSE_SECONDS", 0)
    port = free_port()
    settings = {"oidc_issuer": f"http://127.0.0.1:{port}", "oidc_audience": "veritas"}
    client = open_service(**settings)

    with running_provider(port) as provider:
        token = provider.sign_in(TEACHER)
        later = provider.sign_in(TEACHER, nonce="later")
        assert client.get(STUDENTS, headers=bearer(token)).status_code == 200
        other = client.get(STUDENTS, headers=bearer(provider.sign_in(TEACHER, "dashboard")))
        assert_refused(other, 401)
        assert "another audience" in other.json()["detail"]
        unverified = provider.sign_in(TEACHER, email_verified=False)
        assert_refused(client.get(STUDENTS, headers=bearer(unverified)), 401)

    # The provider is away, and its key is known.
    assert client.get(STUDENTS, headers=bearer(later)).status_code == 200
    new = open_service(**settings)
    assert_refused(new.get(STUDENTS, headers=bearer(later)), 503)

    with running_provider(port, token_seconds=-100) as provider:
        expired = client.get(STUDENTS, headers=bearer(provider.sign_in(TEACHER)))
        assert_refused(expired, 401)
        assert "expired" in expired.json()["detail"]
        # The former key is withdrawn.
        former = new.get(STUDENTS, headers=bearer(later))
        assert_refused(former, 401)
        assert "signature" in former.json()["detail"]


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")
@pytest.mark.skipif(
    not (NODE_PROVIDER.parent / "node_modules/oidc-provider").exists(),
    reason="`make client` installs the provider",
)
def test_a_person_comes_with_an_access_token_for_veritas(open_service: Open) -> None:
    port = free_port()
    client = open_service(oidc_issuer=f"http://127.0.0.1:{port}", oidc_audience="urn:veritas")

    with running_node_provider(port) as provider:
        person = client.get(
            "/api/v1/me", headers=bearer(provider.access_token(TEACHER, "urn:veritas"))
        )
        other = client.get(STUDENTS, headers=bearer(provider.access_token(TEACHER, "urn:other")))
        unknown = provider.access_token("nobody@school.example", "urn:veritas")
        nobody = client.get(STUDENTS, headers=bearer(unknown))

    assert (person.status_code, person.json()["id"]) == (200, "p-teacher")
    assert_refused(other, 401)
    assert "another audience" in other.json()["detail"]
    assert_refused(nobody, 403)
