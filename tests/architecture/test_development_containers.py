"""docker-compose.yml: development with one command, for this machine alone."""

import re
from typing import Any

import pytest

from shared_db.connection.engine import is_local, normalised_url
from shared_web.operations.serve import DRAIN_SECONDS
from tests.architecture.test_rules import SETTINGS
from tests.support.containers import DEVELOPMENT, PORTS, PRODUCTION, Services
from tests.support.source_files import ROOT
from veritas_cli.http_client import ClientSettings
from veritas_cli.production_guard import COMMAND, VOLUME

SERVICES: Services = DEVELOPMENT["services"]
RUN_CODE = ("migrate", *PORTS)
GUARD = "production-guard"


def waits(name: str) -> dict[str, str]:
    depends: dict[str, dict[str, str]] = SERVICES[name]["depends_on"]
    return {what: how["condition"] for what, how in depends.items()}


def test_it_shares_nothing_with_production() -> None:
    assert (DEVELOPMENT["name"], PRODUCTION["name"]) == ("veritas-dev", "veritas")
    for volume, options in DEVELOPMENT["volumes"].items():
        assert options is None, f"{volume} has a name of its own, or is another project's"
    images = {service["image"] for service in SERVICES.values()}
    assert images == {"postgres:17", "valkey/valkey:8", "veritas-dev:local"}
    assert VOLUME == "veritas_postgres-data"
    assert "postgres-data" in PRODUCTION["volumes"]


def test_nothing_is_needed_of_the_machine() -> None:
    assert "secrets" not in DEVELOPMENT
    assert [name for name, service in SERVICES.items() if "secrets" in service] == []
    # A developer's .env is for `make up`: another database there must not get here.
    assert [name for name, service in SERVICES.items() if "env_file" in service] == []
    assert {SERVICES[name]["working_dir"] for name in (GUARD, *RUN_CODE)} == {"/tmp"}  # noqa: S108


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_only_what_it_needs(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_published_is_for_this_machine(name: str) -> None:
    addresses = [port.partition(":")[0] for port in SERVICES[name].get("ports", [])]

    assert all(map(is_local, addresses))
    assert bool(addresses) == (name in {"postgres", "web", *PORTS})


def test_first_of_all_the_guard_looks_for_an_installation() -> None:
    guard = SERVICES[GUARD]

    assert "depends_on" not in guard
    assert waits("postgres") == {GUARD: "service_completed_successfully"}
    assert waits("migrate") == {"postgres": "service_healthy"}
    assert guard["network_mode"] == "none"
    assert all(volume.endswith(":ro") for volume in guard["volumes"])
    assert [name for name in SERVICES if name != GUARD and "engine" in str(SERVICES[name])] == []
    assert guard["command"][-2:] == ["/srv", "/engine/docker.sock"]
    assert {volume.split(":")[-2] for volume in guard["volumes"]} == {"/srv", "/engine"}
    assert "-f docker-compose.production.yml up" in COMMAND


@pytest.mark.parametrize(("name", "port"), PORTS.items())
def test_a_service_waits_listens_and_is_watched(name: str, port: str) -> None:
    service = SERVICES[name]

    assert waits(name) == {
        "postgres": "service_healthy",
        "migrate": "service_completed_successfully",
    }
    assert service["command"] == ["python", "-m", f"{name}_service"]
    assert service["healthcheck"]["test"][-2:] == ["shared_web.operations.readiness", port]
    assert service["ports"] == [f"127.0.0.1:${{{name.upper()}_PORT:-{port}}}:{port}"]
    assert int(service["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS


def test_the_pages_reach_the_services_and_wait_for_the_guard() -> None:
    pages = SERVICES["web"]

    assert waits("web") == {GUARD: "service_completed_successfully"}
    assert pages["command"] == ["python", "-m", "veritas_web"]
    assert pages["ports"] == ["127.0.0.1:${WEB_PORT:-8000}:8000"]
    assert pages["volumes"] == [".:/srv:ro"]
    for name, port in PORTS.items():
        assert pages["environment"][f"WEB_{name.upper()}_URL"] == f"http://{name}:{port}"


@pytest.mark.parametrize("name", RUN_CODE)
def test_the_code_is_the_checkouts_and_is_loaded_again(name: str) -> None:
    service = SERVICES[name]
    environment: dict[str, Any] = service["environment"]
    known = {field.upper() for kind in SETTINGS for field in kind.model_fields}
    client = {field.upper() for field in ClientSettings.model_fields}

    assert ".:/srv:ro" in service["volumes"]
    assert environment["PYTHONPATH"] == "/srv"
    assert environment["RELOAD"] == "true"
    assert environment["ENVIRONMENT"] == "development"
    assert environment.keys() <= known | client | {"PYTHONPATH"}
    assert {"localhost", *PORTS} == set(environment["KEYLESS_HOSTS"].split(","))
    for other, port in PORTS.items():
        assert environment[f"{other.upper()}_URL"] == f"http://{other}:{port}"


def test_the_tests_reach_its_postgresql_as_the_readme_says() -> None:
    postgres = SERVICES["postgres"]
    [line] = re.findall(r"TEST_DATABASE_URL=(\S+) make test", (ROOT / "README.md").read_text())
    url = normalised_url(line)
    inside = normalised_url(SERVICES["dropout"]["environment"]["DATABASE_URL"])
    login = {
        "POSTGRES_USER": url.username,
        "POSTGRES_PASSWORD": url.password,
        "POSTGRES_DB": url.database,
    }

    assert postgres["environment"] == login
    assert postgres["ports"] == [f"{url.host}:${{PUBLISH_POSTGRES_PORT:-{url.port}}}:5432"]
    assert inside.set(host=url.host, port=url.port) == url
