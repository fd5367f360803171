"""Sign-in at a provider of OpenID Connect of another make."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from tests.api.pages.conftest import ADDRESS, OpenPages
from tests.support.provider import Provider, running_provider
from veritas_cli.processes.ports import free_port

TEACHER = "teacher@school.example"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """Give a provider at which everybody may sign in."""
    with running_provider(free_port()) as running:
        yield running


def opened(open_pages: OpenPages, provider: Provider, **settings: str) -> TestClient:
    """Open the pages with the provider."""
    return open_pages(
        web_oidc_issuer=provider.url,
        web_oidc_client_id="veritas-web",
        web_oidc_client_secret="any",  # noqa: S106 - of the test
        **settings,
    )


def begin(client: TestClient, place: str = "/") -> str:
    """Return the address at the provider to which the browser is sent."""
    answer = client.get("/sign-in/provider", params={"next": place})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def agree(provider: Provider, address: str, login: str, **claims: object) -> str:
    """Return path and query of our page to which the provider sends the person back."""
    with httpx.Client() as browser:
        user = {"email": login, **claims}
        browser.put(f"{provider.url}/users/{login}", json=user).raise_for_status()
        back = browser.post(address, data={"sub": login}).headers["location"]
    assert back.startswith(f"{ADDRESS}:8000/sign-in/callback?")
    return str(back).removeprefix(f"{ADDRESS}:8000")


def test_a_person_signs_in_with_pkce_state_and_nonce(
    open_pages: OpenPages, provider: Provider
) -> None:
    client = opened(open_pages, provider)
    address = begin(client, "/classes")
    sent = parse_qs(urlsplit(address).query)
    back = agree(provider, address, TEACHER)
    answer = client.get(back)

    assert sent["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= sent.keys()
    assert sent["scope"] == ["openid email"]
    assert (answer.status_code, answer.headers["location"]) == (303, "/classes")
    assert "Grace teacher" in client.get("/").text
    # The code and the state work once.
    assert client.get(back).status_code == 403


def test_a_student_lands_on_their_own_page(open_pages: OpenPages, provider: Provider) -> None:
    client = opened(open_pages, provider)
    client.get(agree(provider, begin(client), "ada@school.example"))
    start = client.get("/")
    own = client.get("/me")
    refused = client.get("/classes")

    assert (start.status_code, start.headers["location"]) == (303, "/me")
    assert (own.status_code, refused.status_code) == (200, 403)
    assert "<bdi>Ada Lovelace</bdi>" in own.text
    assert 'href="/me"' in refused.text
    assert "/sign-out" in own.text


def test_an_answer_that_nobody_began_here_is_refused(
    open_pages: OpenPages, provider: Provider
) -> None:
    client, other = opened(open_pages, provider), opened(open_pages, provider)
    back = agree(provider, begin(client), TEACHER)

    assert other.get(back).status_code == 403  # no sign-in was begun in that browser
    begin(other)
    assert other.get(back).status_code == 403  # the state is another one
    assert client.get(back.replace("state=", "state=x")).status_code == 403
    assert client.get("/sign-in/callback?error=access_denied&state=x").status_code == 403
    assert other.get("/").status_code == 303


@pytest.mark.parametrize(
    ("login", "claims", "reason"),
    [
        (TEACHER, {"email_verified": False}, "has not verified the e-mail address"),
        ("nobody@school.example", {}, "The roster has nobody of this login"),
    ],
)
def test_unverified_and_unknown_persons_are_refused(
    open_pages: OpenPages,
    provider: Provider,
    login: str,
    claims: dict[str, object],
    reason: str,
) -> None:
    client = opened(open_pages, provider)
    answer = client.get(agree(provider, begin(client), login, **claims))

    assert answer.status_code == 403
    assert reason in answer.text
    assert client.get("/").status_code == 303


def test_a_provider_of_another_name_is_not_used(open_pages: OpenPages, provider: Provider) -> None:
    client = opened(open_pages, Provider(provider.url.replace("127.0.0.1", "localhost")))

    # It calls itself as it is called, so only a trailing slash differs.
    assert client.get("/sign-in/provider").status_code == 303
    other = opened(open_pages, Provider(f"{provider.url}/"))
    assert other.get("/sign-in/provider").status_code == 503


def test_a_provider_that_is_away_is_said(open_pages: OpenPages) -> None:
    client = opened(open_pages, Provider(f"http://127.0.0.1:{free_port()}"))

    answer = client.get("/sign-in/provider")
    assert answer.status_code == 503
    assert "sign-in service does not answer" in answer.text


def test_without_a_provider_there_is_no_way_to_one(open_pages: OpenPages) -> None:
    client = open_pages()

    assert "/sign-in/provider" not in client.get("/sign-in").text
    assert client.get("/sign-in/provider").status_code == 404
    assert client.get("/sign-in/callback").status_code == 404
