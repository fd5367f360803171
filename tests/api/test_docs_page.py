"""Page of the documentation: complete without other servers, under a strict policy."""

import re

from starlette.testclient import TestClient

from tests.support.service_cases import Target


def test_the_page_needs_only_files_of_the_service(target: Target) -> None:
    page = target.client.get("/docs")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert len(addresses) == 4
    for address in addresses:
        answer = target.client.get(f"/{address}")
        assert answer.status_code == 200, address
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.content) > 100
    assert "<script>" not in page.text


def test_the_script_reads_the_document_of_the_service(target: Target) -> None:
    start = target.client.get("/docs/start.js").text

    [address] = re.findall(r'url: "([^"]+)"', start)
    assert target.client.get(f"/{address}").json()["openapi"].startswith("3.")
    assert "validatorUrl: null" in start


def test_the_styles_load_nothing_from_elsewhere(staffstuddash_client: TestClient) -> None:
    styles = staffstuddash_client.get("/docs/swagger-ui.css").text

    loaded = re.findall(r"url\(['\"]?([^'\")]{5})", styles)
    assert set(loaded) <= {"data:"}
    assert "@import" not in styles


def test_the_policy_admits_no_other_server_and_no_inline_script(target: Target) -> None:
    policy = target.client.get("/docs").headers["content-security-policy"]
    sources = dict(directive.split(" ", 1) for directive in policy.split("; "))

    assert sources == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_other_files_of_the_package_are_not_served(staffstuddash_client: TestClient) -> None:
    for name in ("__init__.py", "..%2Fmain.py", "favicon-32x32.png"):
        assert staffstuddash_client.get(f"/docs/{name}").status_code == 404
