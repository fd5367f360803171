"""Container files of the repository, read once for the tests that check them."""

import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from tests.support.source_files import ROOT

PORTS = {"monitoring": "8001", "staffstuddash": "8002", "dropout": "8003"}
DOCKERFILES = ("Dockerfile", "deploy/pgbouncer/Dockerfile")

Services = dict[str, dict[str, Any]]


def read_compose_file(name: str) -> dict[str, Any]:
    """Return a compose file before variables are substituted."""
    content: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return content


DEVELOPMENT_FILE, PRODUCTION_FILE = "docker-compose.yml", "docker-compose.production.yml"
PORT_FILE = "deploy/postgres-port.yml"
DEVELOPMENT = read_compose_file(DEVELOPMENT_FILE)
PRODUCTION = read_compose_file(PRODUCTION_FILE)


def compose_tool() -> Path | None:
    """Return Docker Compose, if `make containers` has installed it."""
    found = find_spec("compose")
    binary = Path(found.origin).with_name("docker-compose") if found and found.origin else None
    return binary if binary and binary.exists() else None


def make_secrets(folder: Path) -> dict[str, str]:
    """Run deploy/secrets.sh of the folder; return the secrets by their names."""
    subprocess.run([folder / "deploy/secrets.sh"], check=True, capture_output=True)
    return {path.name: path.read_text().strip() for path in (folder / "secrets").iterdir()}
