"""What the tests of commands share."""

import pytest
from typer.testing import CliRunner

from tests.imported import Run
from veritas_cli.main import app


@pytest.fixture
def run_import(monkeypatch: pytest.MonkeyPatch, private_url: str) -> Run:
    """Run `veritas import oulad` against a database of the test's own."""
    monkeypatch.setenv("DATABASE_URL", private_url)
    return lambda *arguments: CliRunner().invoke(app, ["import", "oulad", *map(str, arguments)])
