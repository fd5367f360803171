"""The container files: what a school's IT rests on, and that they fit the code."""

import json
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared_db.engine import normalised_url
from shared_web.serve import DRAIN_SECONDS
from tests.architecture.test_rules import SETTINGS
from veritas_cli.rest import ClientSettings

ROOT = Path(__file__).parents[2]
COMPOSE_FILES = ("docker-compose.yml", "deploy/postgres-port.yml")
DOCKERFILES = ("Dockerfile", "deploy/pgbouncer/Dockerfile")
PORTS = {"monitoring": "8001", "staffstuddash": "8002", "dropout": "8003"}
MADE = {
    "key_pepper",
    "postgres_password",
    "admin_url",
    *(f"{name}_{what}" for name in PORTS for what in ("password", "url_direct", "url_pooled")),
}

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = [name for name in SERVICES if name != "migrate"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a copy of what stands in the repository of the container files."""
    for name in (*COMPOSE_FILES, *DOCKERFILES, "deploy/secrets.sh", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make_secrets(folder: Path) -> dict[str, str]:
    subprocess.run([folder / "deploy/secrets.sh"], check=True, capture_output=True)
    return {path.name: path.read_text().strip() for path in (folder / "secrets").iterdir()}


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
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["restart"] == "no"


@pytest.mark.parametrize(("name", "port"), PORTS.items())
def test_a_service_listens_where_it_is_published_and_asked(name: str, port: str) -> None:
    service = SERVICES[name]

    assert service["environment"][f"{name.upper()}_PORT"] == port
    assert service["command"] == ["python", "-m", f"{name}_service"]
    assert service["healthcheck"]["test"][-2:] == ["shared_web.ready", port]
    assert service["ports"] == [
        f"${{PUBLISH_ADDRESS:-127.0.0.1}}:${{{name.upper()}_PORT:-{port}}}:{port}"
    ]


@pytest.mark.parametrize("name", PORTS)
def test_a_service_has_time_to_answer_what_it_has_begun(name: str) -> None:
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS


def test_the_database_is_reached_by_nobody_outside() -> None:
    assert COMPOSE["networks"]["database"]["internal"] is True
    for name in ("postgres", "pgbouncer"):
        assert SERVICES[name]["networks"] == ["database"]
        assert "ports" not in SERVICES[name]


@pytest.mark.parametrize("name", [*PORTS, "migrate"])
def test_the_containers_are_production_and_get_secrets_as_files(name: str) -> None:
    environment = SERVICES[name]["environment"]
    known = {field.upper() for kind in SETTINGS for field in kind.model_fields}
    client = {field.upper() for field in ClientSettings.model_fields}

    assert environment["ENVIRONMENT"] == "production"
    assert {variable.removesuffix("_FILE") for variable in environment} <= known | client
    urls = {variable for variable in known if variable.endswith(("DATABASE_URL", "ADMIN_URL"))}
    assert {environment[variable] for variable in {*urls, "KEY_PEPPER"}} == {""}
    assert re.findall(r"(password|secret|key)\S*=", str(environment), re.IGNORECASE) == []


@pytest.mark.parametrize("name", PORTS)
def test_a_service_has_its_own_login_and_no_other(name: str) -> None:
    secrets = set(SERVICES[name]["secrets"])

    assert secrets == {"key_pepper", f"{name}_url"}
    assert SERVICES[name]["environment"][f"{name.upper()}_DATABASE_URL_FILE"] == (
        f"/run/secrets/{name}_url"
    )


def test_migrate_has_the_owners_login_and_makes_those_of_the_services() -> None:
    environment = SERVICES["migrate"]["environment"]
    files = {Path(path).name for variable, path in environment.items() if "_FILE" in variable}

    assert files == set(SERVICES["migrate"]["secrets"])
    assert files == {"key_pepper", "admin_url", *(f"{name}_url_direct" for name in PORTS)}
    assert SERVICES["migrate"]["command"] == ["veritas", "migrate", "--logins"]


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


@pytest.mark.parametrize("file", COMPOSE_FILES)
def test_every_variable_of_the_compose_files_is_explained(file: str) -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / file).read_text()))
    example = (ROOT / ".env.example").read_text()

    assert used
    assert [name for name in used if not re.search(rf"^# ?{name}=", example, re.MULTILINE)] == []


def test_secrets_are_made_once(checkout: Path) -> None:
    first = make_secrets(checkout)
    again = make_secrets(checkout)
    random = [
        text for name, text in first.items() if not name.endswith(("direct", "pooled", "_url"))
    ]

    assert first.keys() == MADE
    assert again == first
    assert {len(text) for text in random} == {64}
    assert len(set(random)) == 5


def test_a_url_that_was_lost_is_made_from_its_password(checkout: Path) -> None:
    first = make_secrets(checkout)
    (checkout / "secrets/dropout_url_pooled").unlink()

    assert make_secrets(checkout) == first


def test_secrets_are_readable_in_the_containers_and_closed_to_others(checkout: Path) -> None:
    make_secrets(checkout)
    folder = checkout / "secrets"

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}


def test_the_urls_lead_to_the_containers_with_the_logins(checkout: Path) -> None:
    made = make_secrets(checkout)
    expected = {"admin_url": ("veritas", "postgres", made["postgres_password"])}
    for name in PORTS:
        for how, host in {"direct": "postgres", "pooled": "pgbouncer"}.items():
            login = (f"{name}_login", host, made[f"{name}_password"])
            expected[f"{name}_url_{how}"] = login

    urls = {name: normalised_url(made[name]) for name in expected}

    assert {n: (u.username, u.host, u.password) for n, u in urls.items()} == expected
    assert {url.database for url in urls.values()} == {"veritas"}
    assert SERVICES["postgres"]["environment"]["POSTGRES_DB"] == "veritas"
    assert SERVICES["postgres"]["environment"]["POSTGRES_USER"] == "veritas"


def test_the_compose_file_names_only_secrets_that_are_made() -> None:
    files = {
        Path(re.sub(r"\$\{\w+:-(\w+)\}", r"\1", secret["file"])).name
        for secret in COMPOSE["secrets"].values()
    }

    assert files <= MADE


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

    assert [name for name in packages if f"COPY {name} {name}\n" not in dockerfile] == []
    assert [name for name in packages if f"!{name}" not in sent] == []
    for file in DOCKERFILES:
        last_user = re.findall(r"^USER (\S+)", (ROOT / file).read_text(), re.MULTILINE)[-1]
        assert int(last_user.split(":")[0]) >= 1000


def compose_tool() -> Path | None:
    found = find_spec("compose")
    binary = Path(found.origin).with_name("docker-compose") if found and found.origin else None
    return binary if binary and binary.exists() else None


@pytest.mark.skipif(compose_tool() is None, reason="`make containers` installs Compose")
def test_compose_understands_its_files(checkout: Path) -> None:
    make_secrets(checkout)
    files = [argument for file in COMPOSE_FILES for argument in ("-f", file)]
    answer = subprocess.run(
        [str(compose_tool()), *files, "--profile", "*", "config", "--format", "json"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        env={"DATABASE_URLS": "pooled", "HOME": str(checkout)},
    )

    assert answer.returncode == 0, answer.stderr
    understood = json.loads(answer.stdout)
    assert understood["services"].keys() == SERVICES.keys()
    assert understood["secrets"]["dropout_url"]["file"].endswith("/dropout_url_pooled")
    assert understood["secrets"]["dropout_url_direct"]["file"].endswith("/dropout_url_direct")
    assert [port["host_ip"] for port in understood["services"]["postgres"]["ports"]] == [
        "127.0.0.1"
    ]


HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.mark.skipif(not HADOLINT.exists(), reason="`make containers` installs hadolint")
@pytest.mark.parametrize("file", DOCKERFILES)
def test_the_dockerfiles_are_clean(file: str) -> None:
    answer = subprocess.run([HADOLINT, ROOT / file], capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stdout) == (0, "")
