"""Production compose file and images: a school relies on them, and they fit the code."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from shared_web.operations.serve import DRAIN_SECONDS
from tests.architecture.test_rules import SETTINGS
from tests.support.containers import (
    DEVELOPMENT_FILE,
    DOCKERFILES,
    PORT_FILE,
    PORTS,
    PRODUCTION,
    PRODUCTION_FILE,
    Services,
    compose_tool,
    make_secrets,
)
from tests.support.source_files import ROOT
from veritas_cli.http_client import ClientSettings

SERVICES: Services = PRODUCTION["services"]
ONCE = ("owner", "migrate")
LASTING = [name for name in SERVICES if name not in ONCE]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a copy of the container files of the repository."""
    files = (DEVELOPMENT_FILE, PRODUCTION_FILE, PORT_FILE, *DOCKERFILES, "deploy/secrets.sh")
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_only_what_it_needs(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    assert "privileged" not in service
    assert "network_mode" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_logs_do_not_fill_the_disk(name: str) -> None:
    assert {"max-size", "max-file"} <= SERVICES[name]["logging"]["options"].keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_limits_of_memory_processors_and_processes(name: str) -> None:
    service = SERVICES[name]
    limits = [str(service[limit]) for limit in ("mem_limit", "cpus", "pids_limit")]

    memory, cpus, pids = (re.sub(r"\$\{\w+:-(\w+)\}", r"\1", limit) for limit in limits)
    assert re.fullmatch(r"\d+[mg]", memory)
    # The engine refuses more than the machine has.
    assert cpus == "1"
    assert 0 < int(pids) <= 512


def test_postgresql_starts_with_settings_that_fit_any_machine() -> None:
    command = SERVICES["postgres"]["command"]
    chosen = dict(part.removeprefix("-c").split("=", 1) for part in command[1:])
    defaults = {
        name: re.sub(r"\$\{POSTGRES_\w+:-(\w+)\}", r"\1", value) for name, value in chosen.items()
    }

    assert defaults["log_min_error_statement"] == "panic"
    assert defaults["log_error_verbosity"] == "terse"
    assert defaults["shared_buffers"] == "128MB"
    assert int(defaults["max_connections"]) + 100 <= 512
    script = (ROOT / "deploy/postgres-settings.sh").read_text()
    used = set(re.findall(r"\$\{(POSTGRES_\w+)", (ROOT / PRODUCTION_FILE).read_text()))
    assert used == set(re.findall(r"^(?:lines=\")?(POSTGRES_\w+)=", script, re.MULTILINE))


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_and_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", PORTS)
def test_a_service_waits_for_postgresql_and_its_tables(name: str) -> None:
    waits = {what: how["condition"] for what, how in SERVICES[name]["depends_on"].items()}

    assert waits["postgres"] == "service_healthy"
    assert waits["migrate"] == "service_completed_successfully"
    assert waits["pgbouncer"] == "service_healthy"


def test_the_tables_wait_for_their_owner() -> None:
    waits = SERVICES["migrate"]["depends_on"]

    assert waits["postgres"]["condition"] == "service_healthy"
    assert waits["owner"]["condition"] == "service_completed_successfully"
    assert SERVICES["owner"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert {SERVICES[name]["restart"] for name in ONCE} == {"no"}


@pytest.mark.parametrize(("name", "port"), PORTS.items())
def test_a_service_listens_where_it_is_published_and_asked(name: str, port: str) -> None:
    service = SERVICES[name]

    assert service["environment"][f"{name.upper()}_PORT"] == port
    assert service["command"] == ["python", "-m", f"{name}_service"]
    assert service["healthcheck"]["test"][-2:] == ["shared_web.operations.readiness", port]
    assert service_ports()[name]["ports"] == [
        f"${{PUBLISH_ADDRESS:-127.0.0.1}}:${{{name.upper()}_PORT:-{port}}}:{port}"
    ]


def test_the_pages_alone_are_published() -> None:
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["web"]
    assert set(service_ports()) == set(PORTS)


def service_ports() -> dict[str, dict[str, list[str]]]:
    """Return the services that the file of their ports adds to."""
    added: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (ROOT / "deploy/service-ports.yml").read_text()
    )["services"]
    return added


@pytest.mark.parametrize("name", PORTS)
def test_a_service_has_time_to_answer_what_it_has_begun(name: str) -> None:
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS


def test_the_database_is_reached_by_nobody_outside() -> None:
    assert PRODUCTION["networks"]["database"]["internal"] is True
    for name in ("postgres", "pgbouncer"):
        assert SERVICES[name]["networks"] == ["database"]
        assert "ports" not in SERVICES[name]


@pytest.mark.parametrize("name", [*PORTS, *ONCE])
def test_the_containers_are_production_and_get_secrets_as_files(name: str) -> None:
    environment = SERVICES[name]["environment"]
    known = {field.upper() for kind in SETTINGS for field in kind.model_fields}
    client = {field.upper() for field in ClientSettings.model_fields}

    assert environment["ENVIRONMENT"] == "production"
    assert {variable.removesuffix("_FILE") for variable in environment} <= known | client
    urls = {variable for variable in known if variable.endswith(("DATABASE_URL", "ADMIN_URL"))}
    fixed = {*urls, "DATABASE_SUPERUSER_URL", "KEY_PEPPER", "KEYLESS_HOSTS", "RELOAD"}
    assert {environment[variable] for variable in fixed} == {""}
    assert re.findall(r"(password|secret|key)\S*=", str(environment), re.IGNORECASE) == []


@pytest.mark.parametrize("name", PORTS)
def test_a_service_has_its_own_login_and_no_other(name: str) -> None:
    secrets = set(SERVICES[name]["secrets"])

    assert secrets == {"key_pepper", f"{name}_url"}
    assert SERVICES[name]["environment"][f"{name.upper()}_DATABASE_URL_FILE"] == (
        f"/run/secrets/{name}_url"
    )


def test_the_pages_reach_the_services_alone() -> None:
    pages = SERVICES["web"]
    environment = pages["environment"]

    assert pages["profiles"] == ["pages"]
    assert pages["command"] == ["python", "-m", "veritas_web"]
    assert pages["ports"] == ["${PUBLISH_ADDRESS:-127.0.0.1}:${WEB_PORT:-8000}:8000"]
    assert pages["healthcheck"]["test"][-2:] == ["shared_web.operations.readiness", "8000"]
    assert (pages["networks"], pages["volumes"]) == (["outside"], [])
    assert set(pages["secrets"]) == {"web_key", "web_secret"}
    for name, port in PORTS.items():
        assert environment[f"WEB_{name.upper()}_URL"] == f"http://{name}:{port}"
    files = {variable for variable, value in environment.items() if "/run/secrets" in value}
    assert files == {"WEB_KEY_FILE", "WEB_SECRET_FILE"}


def test_migrate_has_the_owners_login_and_makes_those_of_the_services() -> None:
    environment = SERVICES["migrate"]["environment"]
    files = {Path(path).name for variable, path in environment.items() if "_FILE" in variable}

    assert files == set(SERVICES["migrate"]["secrets"])
    assert files == {"key_pepper", "admin_url", *(f"{name}_url_direct" for name in PORTS)}
    assert SERVICES["migrate"]["command"] == ["veritas", "migrate", "--logins"]


def test_only_the_maker_of_the_owner_has_the_superusers_password() -> None:
    owner = SERVICES["owner"]
    knows = {
        name
        for name, service in SERVICES.items()
        if {"superuser_url", "postgres_password"} & set(service.get("secrets", ()))
    }

    assert knows == {"owner", "postgres"}
    assert owner["command"] == ["veritas", "owner"]
    assert set(owner["secrets"]) == {"superuser_url", "admin_url"}
    assert owner["networks"] == ["database"]
    assert owner["volumes"] == []


def test_pgbouncer_knows_the_logins_of_the_services_only() -> None:
    start = (ROOT / "deploy/pgbouncer/start.sh").read_text()

    assert f"for service in {' '.join(PORTS)}; do" in start
    assert set(SERVICES["pgbouncer"]["secrets"]) == {f"{name}_password" for name in PORTS}


def test_the_image_can_back_up_the_server_of_the_compose_file() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    server = SERVICES["postgres"]["image"].removeprefix("postgres:")
    final = dockerfile[dockerfile.rindex("FROM ") :]

    assert re.findall(r"postgresql-client-(\d+)", dockerfile) == [server]
    for program in ("pg_dump", "pg_restore"):
        assert f"/usr/lib/postgresql/{server}/bin/{program}" in final


@pytest.mark.parametrize("file", [DEVELOPMENT_FILE, PRODUCTION_FILE, PORT_FILE])
def test_every_variable_of_the_compose_files_is_explained(file: str) -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / file).read_text()))
    example = (ROOT / ".env.example").read_text()

    assert used
    assert [name for name in used if not re.search(rf"^# ?{name}=", example, re.MULTILINE)] == []


def test_no_secret_gets_into_an_image_or_the_repository() -> None:
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    kept_out = (ROOT / ".gitignore").read_text().splitlines()

    assert next(line for line in sent if not line.startswith("#")) == "*"
    assert not {"!secrets", "!.env", "!*"} & set(sent)
    assert {"secrets/", ".env"} <= set(kept_out)


def test_the_image_has_every_package_and_no_root() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    sent = (ROOT / ".dockerignore").read_text().splitlines()

    assert "pip install --no-cache-dir --require-hashes -r requirements.lock\n" in dockerfile
    assert [name for name in packages if f"COPY {name} {name}\n" not in dockerfile] == []
    assert [name for name in packages if f"!{name}" not in sent] == []
    for file in DOCKERFILES:
        last_user = re.findall(r"^USER (\S+)", (ROOT / file).read_text(), re.MULTILINE)[-1]
        assert int(last_user.split(":")[0]) >= 1000


@pytest.mark.skipif(compose_tool() is None, reason="`make containers` installs Compose")
@pytest.mark.parametrize("files", [(DEVELOPMENT_FILE,), (PRODUCTION_FILE, PORT_FILE)])
def test_compose_understands_its_files(checkout: Path, files: tuple[str, ...]) -> None:
    make_secrets(checkout)
    named = [argument for file in files for argument in ("-f", file)]
    answer = subprocess.run(
        [str(compose_tool()), *named, "--profile", "*", "config", "--format", "json"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        env={"DATABASE_URLS": "pooled", "HOME": str(checkout)},
    )

    assert answer.returncode == 0, answer.stderr
    understood = json.loads(answer.stdout)
    services = understood["services"]
    assert [port["host_ip"] for port in services["postgres"]["ports"]] == ["127.0.0.1"]
    if PRODUCTION_FILE in files:
        assert services.keys() == SERVICES.keys()
        assert understood["secrets"]["dropout_url"]["file"].endswith("/dropout_url_pooled")
        assert understood["secrets"]["dropout_url_direct"]["file"].endswith("/dropout_url_direct")


HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.mark.skipif(not HADOLINT.exists(), reason="`make containers` installs hadolint")
@pytest.mark.parametrize("file", DOCKERFILES)
def test_the_dockerfiles_are_clean(file: str) -> None:
    answer = subprocess.run([HADOLINT, ROOT / file], capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stdout) == (0, "")
