"""Scripts that prepare an installation: its secrets and the settings of PostgreSQL."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from shared_db.connection.engine import normalised_url
from tests.support.containers import PORTS, PRODUCTION, PRODUCTION_FILE, make_secrets
from tests.support.source_files import ROOT

MADE = {
    "key_pepper",
    "postgres_password",
    "superuser_url",
    "owner_password",
    "admin_url",
    "web_secret",
    *(f"{name}_{what}" for name in PORTS for what in ("password", "url_direct", "url_pooled")),
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a folder with the scripts alone."""
    (tmp_path / "deploy").mkdir()
    for name in ("secrets.sh", "postgres-settings.sh"):
        shutil.copy(ROOT / "deploy" / name, tmp_path / "deploy")
    return tmp_path


def test_secrets_are_made_once(checkout: Path) -> None:
    first = make_secrets(checkout)
    again = make_secrets(checkout)
    random = [
        text for name, text in first.items() if not name.endswith(("direct", "pooled", "_url"))
    ]

    assert first.keys() == MADE
    assert again == first
    assert {len(text) for text in random} == {64}
    assert len(set(random)) == 7


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
    expected = {"admin_url": ("veritas_owner", "postgres", made["owner_password"])}
    for name in PORTS:
        for how, host in {"direct": "postgres", "pooled": "pgbouncer"}.items():
            login = (f"{name}_login", host, made[f"{name}_password"])
            expected[f"{name}_url_{how}"] = login

    urls = {name: normalised_url(made[name]) for name in expected}

    assert {n: (u.username, u.host, u.password) for n, u in urls.items()} == expected
    assert {url.database for url in urls.values()} == {"veritas"}
    assert PRODUCTION["services"]["postgres"]["environment"]["POSTGRES_DB"] == "veritas"
    assert PRODUCTION["services"]["postgres"]["environment"]["POSTGRES_USER"] == "veritas"


def test_the_compose_file_names_only_secrets_that_are_made() -> None:
    files = {
        Path(re.sub(r"\$\{\w+:-(\w+)\}", r"\1", secret["file"])).name
        for secret in PRODUCTION["secrets"].values()
    }

    # The key of the pages is made by `veritas keys add`.
    assert files <= {*MADE, "web_key"}


def test_the_superusers_login_of_an_older_release_is_not_the_owners_any_more(
    checkout: Path,
) -> None:
    first = make_secrets(checkout)
    for name in ("superuser_url", "owner_password", "admin_url"):
        (checkout / "secrets" / name).unlink()
    (checkout / "secrets/admin_url").write_text(first["superuser_url"] + "\n")

    again = make_secrets(checkout)

    assert again["superuser_url"] == first["superuser_url"]
    assert normalised_url(again["admin_url"]).username == "veritas_owner"
    assert normalised_url(again["admin_url"]).password == again["owner_password"]
    unchanged = MADE - {"owner_password", "admin_url"}
    assert {name: again[name] for name in unchanged} == {name: first[name] for name in unchanged}


def test_an_owners_login_elsewhere_stays(checkout: Path) -> None:
    make_secrets(checkout)
    (checkout / "secrets/admin_url").unlink()
    elsewhere = "postgresql://veritas:x@db.school.example:5432/veritas"
    (checkout / "secrets/admin_url").write_text(elsewhere)

    assert make_secrets(checkout)["admin_url"] == elsewhere


@pytest.mark.parametrize("before", ["", "LOG_LEVEL=INFO", "LOG_LEVEL=INFO\n"])
def test_compose_means_production_where_secrets_were_made(checkout: Path, before: str) -> None:
    (checkout / ".env").write_text(before)
    for _ in range(2):
        make_secrets(checkout)

    lines = (checkout / ".env").read_text().splitlines()
    assert lines == [*before.splitlines(), f"COMPOSE_FILE={PRODUCTION_FILE}"]


def test_a_compose_file_that_was_chosen_stays(checkout: Path) -> None:
    chosen = f"COMPOSE_FILE={PRODUCTION_FILE}:mine.yml\n"
    (checkout / ".env").write_text(chosen)
    make_secrets(checkout)

    assert (checkout / ".env").read_text() == chosen


def settings_for(checkout: Path, *given: str) -> dict[str, str]:
    subprocess.run(
        [checkout / "deploy/postgres-settings.sh", *given], check=True, capture_output=True
    )
    lines = (checkout / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def number(value: str) -> int:
    return int(re.sub(r"\D", "", value))


@pytest.mark.parametrize("memory", [512, 1024, 4096, 16384, 262144])
@pytest.mark.parametrize("cores", [1, 2, 64])
def test_the_settings_fit_the_memory_that_is_given(checkout: Path, memory: int, cores: int) -> None:
    made = settings_for(checkout, str(memory), str(cores))
    value = {name.removeprefix("POSTGRES_").lower(): number(text) for name, text in made.items()}

    assert value["memory"] == memory
    assert value["cpus"] == cores
    assert value["shared_buffers"] == memory // 4
    assert value["shared_buffers"] < value["effective_cache_size"] < memory
    assert 1024 <= value["work_mem"] <= 65536
    # One sort in each connection, beside the shared buffers, where there is a gigabyte.
    sorting = value["work_mem"] * value["max_connections"] / 1024
    assert memory < 1024 or value["shared_buffers"] + sorting <= memory
    assert value["maintenance_work_mem"] <= memory // 8
    assert value["max_connections"] + 100 <= value["pids"]
    assert 1 <= value["parallel_workers"] <= max(1, cores)


def test_without_figures_they_are_the_machines_and_other_lines_stay(checkout: Path) -> None:
    (checkout / ".env").write_text("LOG_LEVEL=INFO\nPOSTGRES_MEMORY=1m\nNAME='a b'")
    (checkout / ".env").chmod(0o600)

    first = settings_for(checkout)
    again = settings_for(checkout)

    assert again == first
    assert (first["LOG_LEVEL"], first["NAME"]) == ("INFO", "'a b'")
    assert number(first["POSTGRES_MEMORY"]) > 1
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600
    assert not (checkout / ".env.new").exists()


@pytest.mark.parametrize("given", [("x",), ("0",), ("100",), ("2048", "-1")])
def test_figures_that_cannot_be_used_change_nothing(checkout: Path, given: tuple[str, ...]) -> None:
    answer = subprocess.run(
        [checkout / "deploy/postgres-settings.sh", *given], check=False, capture_output=True
    )

    assert answer.returncode == 2
    assert answer.stderr
    assert not (checkout / ".env").exists()
