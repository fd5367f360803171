"""Fixtures of the command tests: runs of commands, and folders for every account."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner, Result

from tests.support.oneroster_files import Files, texts, write_folder
from tests.support.oneroster_imports import Import
from tests.support.oulad_fixtures.imported import Run
from veritas_cli.main import app


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command against the database of a URL."""

    def run_against(url: str, *arguments: object) -> Result:
        monkeypatch.setenv("DATABASE_URL", url)
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run_against


@contextmanager
def a_passable_folder() -> Iterator[Path]:
    """Yield a folder that every account may pass, unlike pytest's own."""
    with TemporaryDirectory(prefix="veritas-e2e-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def passable_folder() -> Iterator[Path]:
    with a_passable_folder() as folder:
        yield folder


@pytest.fixture
def run_import(monkeypatch: pytest.MonkeyPatch, private_url: str) -> Run:
    """Run `veritas import oulad` against the test's own database."""
    monkeypatch.setenv("DATABASE_URL", private_url)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(app, ["import", "oulad", *map(str, arguments)])


@pytest.fixture
def bring_in(monkeypatch: pytest.MonkeyPatch, private_url: str, tmp_path: Path) -> Import:
    """Import the rows of an export into the test's own database."""
    monkeypatch.setenv("DATABASE_URL", private_url)
    monkeypatch.setenv("COLUMNS", "200")
    count = iter(range(1000))

    def run(files: Files, *options: str, mode: str = "bulk") -> Result:
        folder = write_folder(tmp_path / f"export-{next(count)}", texts(files, mode=mode))
        return CliRunner().invoke(app, ["import", "oneroster", str(folder), *options])

    return run
