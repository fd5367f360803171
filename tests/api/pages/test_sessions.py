"""Sessions of the pages: their begin by an invitation, their end, and forged ones."""

import pytest
from fastapi import Response
from starlette.testclient import TestClient

from shared_db.settings import Environment
from staffstuddash_service.datastore import DatastoreManager
from tests.api.pages.conftest import ADDRESS, OWN, SECRET, OpenPages, sign_in
from tests.support.databases import LOOPBACK
from veritas_web.sessions import people
from veritas_web.sessions.cookies import Cookies, Session
from veritas_web.settings import Settings

COOKIE = "veritas-session"


def test_an_invitation_needs_a_button_and_begins_a_session(
    open_pages: OpenPages, school: DatastoreManager
) -> None:
    client = open_pages()
    token = school.sign_ins.invite("p-teacher", days=1, actor="test").token
    link = f"/sign-in/invitation?token={token}"

    # A scanner of mails follows the link, which uses nothing up.
    seen = [client.get(link) for _ in range(2)]
    assert {answer.status_code for answer in seen} == {200}
    assert f'value="{token}"' in seen[0].text
    assert client.get("/").headers["location"] == "/sign-in?next=/"

    begun = client.post("/sign-in/invitation", data={"token": token}, headers=OWN)
    assert (begun.status_code, begun.headers["location"]) == (303, "/")
    assert "Grace teacher" in client.get("/").text

    again = open_pages().post("/sign-in/invitation", data={"token": token}, headers=OWN)
    assert again.status_code == 403
    assert "The sign-in did not work" in again.text
    assert COOKIE not in again.cookies


def test_the_cookie_is_for_the_server_alone(
    open_pages: OpenPages, school: DatastoreManager
) -> None:
    client = open_pages()
    token = school.sign_ins.invite("p-teacher", days=1, actor="test").token
    answer = client.post("/sign-in/invitation", data={"token": token}, headers=OWN)
    sent = answer.headers["set-cookie"].lower()

    assert sent.startswith(f"{COOKIE}=")
    assert {"httponly", "path=/", "samesite=lax", "max-age=43200"} <= set(sent.split("; "))
    assert "secure" not in sent  # plain HTTP on this machine


def test_behind_tls_the_cookie_is_of_this_host_alone() -> None:
    settings = Settings(
        environment=Environment.PRODUCTION,
        web_url="https://veritas.school.example",
        web_secret=SECRET,
    )
    response = Response()
    Cookies(settings).begin(response, Session("p-teacher", 0))

    sent = response.headers["set-cookie"].lower()
    assert sent.startswith(f"__host-{COOKIE}=")
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= set(sent.split("; "))
    assert "domain" not in sent


@pytest.mark.parametrize("forged", ["", "x", "eyJwZXJzb24iOiJwLWFkdmlzb3IifQ.aaaa.bbbb"])
def test_a_forged_cookie_is_none(open_pages: OpenPages, forged: str) -> None:
    client = open_pages()
    client.cookies.set(COOKIE, forged)

    assert client.get("/").headers["location"] == "/sign-in?next=/"


def test_cookies_of_another_secret_or_purpose_are_none(
    open_pages: OpenPages, school: DatastoreManager
) -> None:
    client = open_pages()
    sign_in(client, school)
    value = client.cookies[COOKIE]
    other = open_pages(web_secret=SECRET[::-1])
    other.cookies.set(COOKIE, value)
    assert other.get("/").status_code == 303

    same = open_pages()
    same.cookies.set(COOKIE, value)
    assert same.get("/").status_code == 200
    same.cookies.clear()
    same.cookies.set("veritas-acting", value)
    assert same.get("/").status_code == 303


def test_a_session_ends_after_twelve_hours(
    open_pages: OpenPages, school: DatastoreManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    from itsdangerous import TimestampSigner  # noqa: PLC0415 - only its clock is changed

    client = open_pages()
    sign_in(client, school)
    now = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + 12 * 3600 + 1)

    assert client.get("/").status_code == 303


def test_signing_out_ends_the_session_here(open_pages: OpenPages, school: DatastoreManager) -> None:
    client = open_pages()
    sign_in(client, school)
    value = client.cookies[COOKIE]

    assert client.post("/sign-out", headers=OWN).headers["location"] == "/sign-in"
    assert client.get("/").status_code == 303
    other = open_pages()
    other.cookies.set(COOKIE, value)
    assert other.get("/").status_code == 200


def test_signing_out_everywhere_ends_a_stolen_session(
    open_pages: OpenPages, school: DatastoreManager
) -> None:
    client, thief = open_pages(), open_pages()
    sign_in(client, school)
    thief.cookies.set(COOKIE, client.cookies[COOKIE])
    answer = client.post("/sign-out", data={"everywhere": "true"}, headers=OWN)

    assert answer.status_code == 303
    assert thief.get("/").headers["location"] == "/sign-in?next=/"
    sign_in(client, school)
    assert client.get("/").status_code == 200


def test_a_revoked_person_is_out_at_the_next_check(
    open_pages: OpenPages, school: DatastoreManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_pages()
    sign_in(client, school)
    assert client.get("/").status_code == 200
    school.person_access.revoke("p-teacher", actor="test")
    assert client.get("/").status_code == 200  # known for 30 seconds

    monkeypatch.setattr(people, "CHECK_SECONDS", 0)
    fresh = open_pages()
    fresh.cookies = client.cookies
    refused = fresh.get("/")
    assert refused.status_code == 403
    assert "The access of this person was revoked" in refused.text
    school.person_access.give("p-teacher", "teacher", actor="test")
    assert fresh.get("/").status_code == 303  # the revision is a later one


def test_a_known_person_stays_while_staffstuddash_is_away(
    open_pages: OpenPages, school: DatastoreManager
) -> None:
    client = open_pages()
    sign_in(client, school)
    unknown = open_pages(away=("staffstuddash",))
    unknown.cookies = client.cookies

    answer = unknown.get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "Not possible now" in answer.text


@pytest.mark.parametrize(
    ("next_", "place"),
    [
        ("/classes/5a?reason=x", "/classes/5a?reason=x"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/api/dropout/api/v1/courses", "/"),
    ],
)
def test_a_sign_in_leads_to_our_own_pages(open_pages: OpenPages, next_: str, place: str) -> None:
    page = open_pages(web_oidc_issuer="http://127.0.0.1:1", web_oidc_client_id="veritas").get(
        "/sign-in", params={"next": next_}
    )

    quoted = place.replace("?", "%3F").replace("=", "%3D")
    assert f'href="/sign-in/provider?next={quoted}"' in page.text


def foreign(client: TestClient, **headers: str) -> int:
    status: int = client.post("/sign-out", headers=headers).status_code
    return status


def test_changes_come_from_our_own_pages(open_pages: OpenPages, school: DatastoreManager) -> None:
    client = open_pages()
    sign_in(client, school)

    assert foreign(client) == 403
    assert foreign(client, Origin="null", Referer=f"{ADDRESS}/") == 403
    assert foreign(client, Origin="https://evil.example") == 403
    assert foreign(client, Origin=f"http://{LOOPBACK}:1") == 403
    assert foreign(client, Referer="https://evil.example/http://127.0.0.1/") == 403
    assert client.get("/").status_code == 200
    assert foreign(client, Referer=f"{ADDRESS}/classes") == 303


def test_the_address_of_the_pages_is_the_only_origin(
    open_pages: OpenPages, school: DatastoreManager
) -> None:
    client = open_pages(web_url="http://localhost:8000")

    assert foreign(client, **OWN) == 403
    assert foreign(client, Origin="http://localhost:8000") == 401
    assert school
