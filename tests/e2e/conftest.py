"""Fixtures of the command tests: runs against databases, and courses of the past with models."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner, Result

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from tests.e2e.processes import without_settings
from tests.support.databases import engine_on
from tests.support.imported import Run, bring_in
from tests.support.server import admin_url, create_database, drop_database, new_name, role_prefix
from tests.support.small_past import write_past
from veritas_cli.main import app

DAY_56_OF_CCC = ("--course", "CCC-2014B", "--day", "56")
TRAIN = ("train", "--train", "2013B,2013J")
TRAIN_FEWER = ("train", "--train", "2013B", "--target", "withdrawn_or_fail")


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


@pytest.fixture(scope="module")
def past_url(template_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a database with the courses; the tests of a module run on it one after the other."""
    name = new_name()
    url = create_database(admin_url(), name, template=template_name)
    bring_in(url, write_past(tmp_path_factory.mktemp("past") / "oulad"), batch_rows=2000)
    yield url
    drop_database(admin_url(), name)


@pytest.fixture
def run_on_past(monkeypatch: pytest.MonkeyPatch, past_url: str, tmp_path: Path) -> Run:
    """Run a command against that database, in a folder of its own."""
    monkeypatch.setenv("DATABASE_URL", past_url)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def once(url: str, folder: Path, *arguments: str) -> Result:
    """Run a command on the database outside of a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = {"DATABASE_URL": url, "DATABASE_ROLE_PREFIX": role_prefix(), "COLUMNS": "300"}
        for name, value in settings.items():
            patch.setenv(name, value)
        return CliRunner().invoke(app, arguments)


@pytest.fixture(scope="module")
def by_rules(past_url: str, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Predict before a model exists."""
    folder = tmp_path_factory.mktemp("rules")
    return once(past_url, folder, "predict", "--course", "CCC-2014B", "--day", "30")


@pytest.fixture(scope="module")
def trained(
    past_url: str, by_rules: Result, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """Train two models at once, and return their outputs."""
    assert by_rules.exit_code == 0, by_rules.output
    settings = without_settings(
        DATABASE_URL=past_url, DATABASE_ROLE_PREFIX=role_prefix(), OPENBLAS_NUM_THREADS="1"
    )
    veritas = str(Path(sys.executable).with_name("veritas"))
    one, other = (
        subprocess.Popen(
            [veritas, *arguments],
            cwd=tmp_path_factory.mktemp("train"),
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for arguments in (TRAIN, TRAIN_FEWER)
    )
    outputs = one.communicate(timeout=240)[0], other.communicate(timeout=240)[0]
    assert (one.returncode, other.returncode) == (0, 0), outputs
    return outputs


@pytest.fixture(scope="module")
def trained_again(
    past_url: str, trained: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[set[str], Result]:
    """Train one of them again; return the ids of the models before, and the result."""
    assert trained
    models = DropoutDatabaseManager(Database.on(engine_on(past_url))).models.search()
    before = [(model.id, model.is_active) for model in models]
    assert [is_active for _, is_active in before].count(True) == 1
    again = once(past_url, tmp_path_factory.mktemp("again"), *TRAIN_FEWER)
    assert again.exit_code == 0, again.output
    return {id_ for id_, _ in before}, again


@pytest.fixture(scope="module")
def by_model(
    past_url: str,
    trained_again: tuple[set[str], Result],
    tmp_path_factory: pytest.TempPathFactory,
) -> Result:
    """Predict a course by the model trained last."""
    assert trained_again
    folder = tmp_path_factory.mktemp("predict")
    return once(past_url, folder, "predict", *DAY_56_OF_CCC, "--show", "3")
