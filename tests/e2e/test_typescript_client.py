"""TypeScript client: built, packed, installed into a frontend, and run against the services."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_db.connection.database import Database
from tests.support.live_services import live_services
from tests.support.services import PARTS
from tests.support.source_files import ROOT

PROJECT = ROOT / "clients/typescript"
INSTALLED = PROJECT / "node_modules"
RUNTIME = ("openapi-fetch", "openapi-typescript-helpers")

pytestmark = [
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm"),
    pytest.mark.skipif(not INSTALLED.exists(), reason="`make client` installs the generator"),
]


def run(folder: Path, *command: str) -> str:
    """Run a program of Node.js in a folder, and return its output."""
    path = os.pathsep.join((str(INSTALLED / ".bin"), os.environ["PATH"]))
    answer = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a frontend into which the packed client is installed."""
    folder = tmp_path_factory.mktemp("client")
    shutil.copytree(ROOT / "openapi", folder / "openapi")
    package = folder / "clients/typescript"
    unwanted = shutil.ignore_patterns("node_modules", "dist", "generated", "*.tgz")
    shutil.copytree(PROJECT, package, ignore=unwanted)
    for name in RUNTIME:
        shutil.copytree(INSTALLED / name, package / "node_modules" / name)
    run(package, "npm", "run", "build")
    run(package, "npm", "pack")
    [tarball] = package.glob("*.tgz")

    frontend = folder / "frontend"
    frontend.mkdir()
    (frontend / "package.json").write_text('{"type": "module"}')
    run(frontend, "npm", "install", "--offline", "--no-audit", "--no-fund", str(tarball))
    for name in ("usage.ts", "tsconfig.json"):
        shutil.copy(PROJECT / "test" / name, frontend)
    [example] = re.findall(r"```ts\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    addresses = '{ baseUrl: JSON.parse(process.argv[2] ?? ""), '
    started = re.sub(r'{ baseUrl: "[^"]+", ', addresses, example)
    declared = "declare const process: { argv: string[] };\n"
    (frontend / "example.ts").write_text(declared + started)
    run(frontend, "tsc", "--project", ".")
    return frontend


@pytest.fixture
def addresses() -> Iterator[str]:
    """Yield the addresses of running services as JSON."""
    with live_services(Database.in_memory) as urls:
        yield json.dumps({name: urls[f"--{name}-url"] for name in PARTS})


def test_a_frontend_installs_and_uses_the_packed_client(frontend: Path, addresses: str) -> None:
    output = run(frontend, "node", "usage.js", addresses)

    assert output.splitlines()[-1] == "ready"


def test_the_example_of_the_readme_runs(frontend: Path, addresses: str) -> None:
    output = run(frontend, "node", "example.js", addresses).splitlines()

    assert output == ["Ada", "404 student-not-found No student has the id nobody."]
