"""TypeScript client from the OpenAPI documents, compiled strictly."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.services import PARTS, openapi_of

PROJECT = Path(__file__).parents[1] / "typescript"
INSTALLED = PROJECT / "node_modules"

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js"),
    pytest.mark.skipif(not INSTALLED.exists(), reason="`make client` installs the generator"),
]


def run(folder: Path, program: str, *arguments: str) -> None:
    answer = subprocess.run(
        [folder / "node_modules/.bin" / program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_generated_client_compiles_strictly(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(INSTALLED)
    for file in ("package.json", "redocly.yaml", "tsconfig.json", "usage.ts"):
        shutil.copy(PROJECT / file, tmp_path)
    for name in PARTS:
        (tmp_path / f"{name}.json").write_text(json.dumps(openapi_of(name)))

    run(tmp_path, "openapi-typescript")
    run(tmp_path, "tsc", "--project", ".")
