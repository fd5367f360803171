"""Fixtures of the tests of commands."""

import pytest
from typer.testing import CliRunner

from tests.support.oulad_fixtures.imported import Run
from veritas_cli.main import app


@pytest.fixture
def run_import(monkeypatch: pytest.MonkeyPatch, private_url: str) -> Run:
    """Run `veritas import oulad` on a database of its own."""
    monkeypatch.setenv("DATABASE_URL", private_url)
    return lambda *arguments: CliRunner().invoke(app, ["import", "oulad", *map(str, arguments)])
